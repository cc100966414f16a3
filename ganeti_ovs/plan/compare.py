"""After a way back: is what operations have changed really as it was before?

It knows nothing of how `ganeti_ovs.plan.undo` finds its way, only what was changed: so it
also sees what somebody else has changed again, and what therefore stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.plan.found import ROOT, same
from ganeti_ovs.plan.undo import STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ganeti_ovs.plan.found import Row, Tables
    from ganeti_ovs.plan.wire import Operations

_STATUS = STATUS | {"bond_active_slave", "ofport"}
_MAPS = ("external_ids", "other_config")
_ROOTS = ("QoS", "Queue")
"""Tables whose rows stay although nothing refers to them, so that they keep their UUIDs."""


def left(operations: Operations, before: Tables, now: Tables) -> list[str]:
    """What `operations` changed and is not as in `before`, in words; [] is as it was."""
    return list(dict.fromkeys(_Compared(before, now).run(operations)))


class _Compared:
    def __init__(self, before: Tables, now: Tables) -> None:
        self.before, self.now = before, now
        self._seen: set[str] = set()

    def run(self, operations: Any) -> Iterator[str]:
        made = {
            one["uuid-name"]: one["row"].get("name") for one in operations if one["op"] == "insert"
        }
        for one in operations:
            if one["op"] not in ("update", "mutate"):
                continue
            table, where = one["table"], one["where"]
            keys = [where[0][2][1]] if where else list(self.before[table])
            for key in keys:
                if key not in self.before[table]:
                    continue
                old, new = self.before[table][key], self._again(table, key)
                name = str(old.get("name", "Open vSwitch"))
                if new is None:
                    yield f"{name} is not there"
                elif one["op"] == "update":
                    yield from self._columns(name, old, new, one["row"])
                else:
                    yield from self._mutated(name, old, new, one["mutations"], made)

    def _again(self, table: str, key: str) -> Row | None:
        """The row now; one that was made anew by its name."""
        rows = self.now[table]
        if key in rows or table == ROOT:
            return rows.get(key)
        name = self.before[table][key].get("name")
        return next((row for row in rows.values() if name and row.get("name") == name), None)

    def _columns(self, name: str, old: Row, new: Row, columns: Any) -> Iterator[str]:
        for column in columns:
            if column not in _STATUS and not same(
                self._plain(self.before, old[column]), self._plain(self.now, new[column])
            ):
                yield f"{name}: {column}"

    def _mutated(
        self, name: str, old: Row, new: Row, mutations: Any, made: dict[str, Any]
    ) -> Iterator[str]:
        for column, mutator, value in mutations:
            if column in _MAPS:
                keys = value[1] if mutator == "delete" else [key for key, _ in value[1]]
                was, has = dict(old[column][1]), dict(new[column][1])
                for key in keys:
                    if was.get(key) != has.get(key):
                        yield f"{name}: {column}:{key}"
                continue
            had = self._labels(self.before, old[column])
            there = self._labels(self.now, new[column])
            for reference in [value] if value[0] != "set" else value[1]:
                fresh = reference[0] == "named-uuid"
                label = made[reference[1]] if fresh else self._label(self.before, reference)
                if (label in had) != (label in there):
                    yield f"{name}: {'without' if label in had else 'with'} {label}"
                elif mutator == "delete" and label in there:
                    yield from self._below(reference[1])

    def _below(self, key: str) -> Iterator[str]:
        """Of a row that was taken off: all of it that was made anew."""
        table = next(table for table, rows in self.before.items() if key in rows)
        old, new = self.before[table][key], self._again(table, key)
        if new is None or key in self.now[table] or key in self._seen:
            return
        self._seen.add(key)
        yield from self._columns(str(old.get("name", table)), old, new, [*old])
        for value in old.values():
            for reference in _references(value):
                if any(reference[1] in rows for rows in self.before.values()):
                    yield from self._below(reference[1])

    def _plain(self, tables: Tables, value: Any) -> Any:
        """The value with names in place of UUIDs, in an order of its own."""
        if not _references(value):
            return value
        return ["set", sorted(self._labels(tables, value))]

    def _labels(self, tables: Tables, value: Any) -> set[str]:
        return {self._label(tables, one) for one in _references(value)}

    @staticmethod
    def _label(tables: Tables, reference: Any) -> str:
        key = str(reference[1])
        for table, rows in tables.items():
            if key in rows and table not in _ROOTS:
                return str(rows[key].get("name", table))
        return key


def _references(value: Any) -> list[Any]:
    """The references in a column's value."""
    if not isinstance(value, list):
        return []
    if value[0] == "uuid":
        return [value]
    found = value[1] if value[0] == "set" else [one for _key, one in value[1]]
    return [one for one in found if isinstance(one, list) and one[0] == "uuid"]
