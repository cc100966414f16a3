"""The way back: from operations and the rows before them, operations that undo them.

Only what the operations changed is put back, so what others have done meanwhile (a guest that
was started, a setting that was changed again by hand) stays. Undoing what was never done changes
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.operations import Comment, Insert, Mutate, Mutation, Update, at
from ganeti_ovs.model.rows import STATUS, Named, QoS, Root, Uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ganeti_ovs.model.operations import Operation, Operations, Where
    from ganeti_ovs.model.rows import Row, Tables

    Made = Mapping[str, Insert]
    """Rows that are inserted, by the names by which they are referred to."""

_ALSO_WRITTEN = "bond_active_slave"
"""The column that we write and ovs-vswitchd, too: what stands in it says nothing of others."""


def undo(operations: Sequence[Operation], before: Tables, now: Tables) -> Operations:
    """Operations that put `before` back where `operations` changed it; none if nothing is left."""
    return _Undo(before, now).run(operations)


def inserted(operations: Iterable[Operation]) -> dict[str, Insert]:
    """The rows that operations insert, by their names."""
    return {one.name: one for one in operations if isinstance(one, Insert)}


def changed_rows(operation: Update | Mutate, before: Tables) -> list[Row]:
    """The rows that an operation changes, as they were before."""
    rows = before[operation.table]
    if operation.where is None:
        return list(rows.values())
    uuid = operation.where.value
    return [rows[uuid]] if isinstance(uuid, Uuid) and uuid in rows else []


class _Undo:
    def __init__(self, before: Tables, now: Tables) -> None:
        self.before, self.now = before, now
        self.back: Operations = []
        self._again: dict[Uuid, Named] = {}
        """Row that has gone -> the reference to the insert that brings it back."""

    def run(self, operations: Sequence[Operation]) -> Operations:
        made = inserted(operations)
        for one in operations:
            if isinstance(one, Update):
                for row in changed_rows(one, self.before):
                    self._update(row, one.columns)
            elif isinstance(one, Mutate):
                for row in changed_rows(one, self.before):
                    self._mutate(row, one.mutations, made)
        if self.back:
            self.back.insert(0, Comment("ganeti-ovs: vSwitches put back"))
        return self.back

    def _update(self, row: Row, columns: Mapping[str, object]) -> None:
        now = self.now[row.table].get(row.uuid)
        if now is None:
            return
        differing = {
            name: row.columns[name]
            for name, wrote in columns.items()
            if now.columns[name] != row.columns[name]
            and (name == _ALSO_WRITTEN or now.columns[name] == wrote)
        }
        if differing:
            self.back.append(Update(row.table, _where(row), differing))

    def _mutate(self, row: Row, mutations: tuple[Mutation, ...], made: Made) -> None:
        now = self.now[row.table].get(row.uuid)
        if now is None:
            return
        back: list[Mutation] = []
        for one in mutations:
            column, value = one.column, one.value
            if column in ("external_ids", "other_config"):
                if one.mutator == "delete":
                    back += self._map(column, row, now, value, _put(column, mutations))
            elif not isinstance(value, frozenset):
                continue
            elif one.mutator == "delete":
                again = self._gone(value, now.columns[column], made)
                if again:
                    # First: a set must not be empty in between.
                    back.insert(0, Mutation(column, "insert", again))
            else:
                there = {self._made(reference, made) for reference in value}
                extra = (there & now.columns[column]) - row.columns[column]
                if extra:
                    back.append(Mutation(column, "delete", frozenset(extra)))
        if back:
            self.back.append(Mutate(row.table, _where(row), tuple(back)))

    def _gone(
        self, references: frozenset[Uuid], now: frozenset[Uuid], made: Made
    ) -> frozenset[Uuid | Named]:
        """Those of rows that were taken off and are to come back; they may be new rows."""
        # A row that is back has a new UUID.
        there = {_name(self.now, one) for one in now}
        gone = [
            one
            for one in sorted(references)
            if _name(self.before, one) not in there and not self._taken(one, made)
        ]
        return frozenset(map(self._reference, gone))

    @staticmethod
    def _map(
        column: str, row: Row, now: Row, keys: Any, wrote: Mapping[str, str]
    ) -> list[Mutation]:
        old, new = row.columns[column], now.columns[column]
        differing = [key for key in keys if old.get(key) != new.get(key) == wrote.get(key)]
        if not differing:
            return []
        pairs = {key: old[key] for key in differing if key in old}
        return [
            Mutation(column, "delete", frozenset(differing)),
            Mutation(column, "insert", pairs),
        ]

    def _taken(self, reference: Uuid, made: Made) -> bool:
        """Whether somebody else has given the row's name to another one; names are unique."""
        name = _name(self.before, reference)
        table = next(table for table, rows in self.before.items() if reference in rows)
        ours = any(one.table == table and one.columns["name"] == name for one in made.values())
        return not ours and any(
            row.columns["name"] == name and uuid not in self.before[table]
            for uuid, row in self.now[table].items()
        )

    def _made(self, reference: Uuid | Named, made: Made) -> Uuid | None:
        """A row that the operations inserted or linked; names are unique in all three tables."""
        if isinstance(reference, Uuid):
            return reference
        wanted = made[reference]
        for uuid, row in self.now[wanted.table].items():
            same = row.columns["name"] == wanted.columns["name"]
            if same and uuid not in self.before[wanted.table]:
                return uuid
        return None

    def _reference(self, uuid: Uuid) -> Uuid | Named:
        """The row of before, brought back if it has gone."""
        if any(uuid in rows for rows in self.now.values()):
            return uuid
        if uuid not in self._again:
            table, row = next(
                (table, rows[uuid]) for table, rows in self.before.items() if uuid in rows
            )
            name = self._again[uuid] = Named(f"again{len(self._again)}")
            columns = {
                column: self._value(value)
                for column, value in row.columns.items()
                if column not in STATUS
            }
            self.back.append(Insert(table, name, columns))
        return self._again[uuid]

    def _value(self, value: Any) -> Any:
        """A column's value with references to the rows that there are."""
        if isinstance(value, Uuid):
            return self._reference(value) if self._known(value) else None
        if isinstance(value, frozenset):
            return frozenset(self._value(one) for one in value if self._known(one))
        if isinstance(value, dict):
            return {key: self._value(one) for key, one in value.items() if self._known(one)}
        return value

    def _known(self, value: Any) -> bool:
        """False for a row that can be neither found nor made again (QoS has a road of its own)."""
        if not isinstance(value, Uuid) or any(value in rows for rows in self.now.values()):
            return True
        return any(value in rows for table, rows in self.before.items() if table != QoS.table)


def _where(row: Row) -> Where | None:
    return None if row.table == Root.table else at(row.uuid)


def _name(tables: Tables, reference: Uuid) -> str:
    return next(
        str(rows[reference].columns["name"]) for rows in tables.values() if reference in rows
    )


def _put(column: str, mutations: Iterable[Mutation]) -> dict[str, str]:
    """What the mutations put into a map."""
    return {
        key: value
        for one in mutations
        if one.column == column and one.mutator == "insert" and isinstance(one.value, dict)
        for key, value in one.value.items()
    }
