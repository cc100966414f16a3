"""After a way back: is what operations have changed really as it was before?

It knows nothing of how `ganeti_ovs.plan.undo` finds its way, only what was changed: so it
also sees what somebody else has changed again, and what therefore stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.operations import Mutate, Update
from ganeti_ovs.model.rows import STATUS, QoS, Queue, Root, Uuid
from ganeti_ovs.plan.undo import changed_rows, inserted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ganeti_ovs.model.operations import Insert, Mutation, Operation
    from ganeti_ovs.model.rows import Row, Tables

_STATUS = STATUS | {"bond_active_slave", "ofport"}
_MAPS = ("external_ids", "other_config")
_ROOTS = (QoS.table, Queue.table)
"""Tables whose rows stay although nothing refers to them, so that they keep their UUIDs."""


def left(operations: Sequence[Operation], before: Tables, now: Tables) -> list[str]:
    """What `operations` changed and is not as in `before`, in words; [] is as it was."""
    return list(dict.fromkeys(_Compared(before, now).run(operations)))


class _Compared:
    def __init__(self, before: Tables, now: Tables) -> None:
        self.before, self.now = before, now
        self._seen: set[Uuid] = set()

    def run(self, operations: Sequence[Operation]) -> Iterator[str]:
        made = inserted(operations)
        for one in operations:
            if not isinstance(one, Update | Mutate):
                continue
            for old in changed_rows(one, self.before):
                new = self._again(one.table, old.uuid)
                name = str(old.columns.get("name", "Open vSwitch"))
                if new is None:
                    if not _of_guest(old):  # Who may have been stopped meanwhile.
                        yield f"{name} is not there"
                elif isinstance(one, Update):
                    yield from self._columns(name, old, new, one.columns)
                else:
                    yield from self._mutated(name, old, new, one.mutations, made)

    def _again(self, table: str, uuid: Uuid) -> Row | None:
        """The row now; one that was made anew by its name."""
        rows = self.now[table]
        if uuid in rows or table == Root.table:
            return rows.get(uuid)
        name = self.before[table][uuid].columns.get("name")
        return next(
            (row for row in rows.values() if name and row.columns.get("name") == name), None
        )

    def _columns(self, name: str, old: Row, new: Row, columns: Iterable[str]) -> Iterator[str]:
        for column in columns:
            if column not in _STATUS and self._plain(
                self.before, old.columns[column]
            ) != self._plain(self.now, new.columns[column]):
                yield f"{name}: {column}"

    def _mutated(
        self,
        name: str,
        old: Row,
        new: Row,
        mutations: Iterable[Mutation],
        made: Mapping[str, Insert],
    ) -> Iterator[str]:
        for one in mutations:
            was, has = old.columns[one.column], new.columns[one.column]
            if one.column in _MAPS:
                for key in sorted(one.value):  # type: ignore[call-overload]
                    if was.get(key) != has.get(key):
                        yield f"{name}: {one.column}:{key}"
                continue
            had, there = self._labels(self.before, was), self._labels(self.now, has)
            for label, reference in self._named(one.value, made):
                if (label in had) != (label in there):
                    yield f"{name}: {'without' if label in had else 'with'} {label}"
                elif one.mutator == "delete" and label in there:
                    yield from self._below(reference)

    def _named(self, value: Any, made: Mapping[str, Insert]) -> list[tuple[str, Any]]:
        """Names of the rows that a mutation refers to, with the references, in their order."""
        return sorted(
            (
                self._label(self.before, one)
                if isinstance(one, Uuid)
                else str(made[one].columns.get("name")),
                one,
            )
            for one in value
        )

    def _below(self, uuid: Uuid) -> Iterator[str]:
        """Of a row that was taken off: all of it that was made anew."""
        table = next(table for table, rows in self.before.items() if uuid in rows)
        old, new = self.before[table][uuid], self._again(table, uuid)
        if new is None or uuid in self.now[table] or uuid in self._seen:
            return
        self._seen.add(uuid)
        yield from self._columns(str(old.columns.get("name", table)), old, new, old.columns)
        for value in old.columns.values():
            for reference in _references(value):
                if any(reference in rows for rows in self.before.values()):
                    yield from self._below(reference)

    def _plain(self, tables: Tables, value: Any) -> Any:
        """The value with names in place of UUIDs."""
        return self._labels(tables, value) if _references(value) else value

    def _labels(self, tables: Tables, value: Any) -> set[str]:
        return {self._label(tables, one) for one in _references(value)}

    @staticmethod
    def _label(tables: Tables, reference: Uuid) -> str:
        for table, rows in tables.items():
            if reference in rows and table not in _ROOTS:
                return str(rows[reference].columns.get("name", table))
        return reference


def _of_guest(row: Row) -> bool:
    return "ganeti-instance" in row.columns.get("external_ids", ())


def _references(value: Any) -> list[Uuid]:
    """The references in a column's value, in their order."""
    if isinstance(value, Uuid):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, frozenset):
        return []
    return sorted(one for one in value if isinstance(one, Uuid))
