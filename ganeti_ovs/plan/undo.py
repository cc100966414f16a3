"""The way back: from operations and the rows before them, operations that undo them.

Only what the operations changed is put back, so what others have done meanwhile (a guest that
was started, a setting that was changed again by hand) stays. Undoing what was never done changes
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.plan.found import ROOT, same
from ganeti_ovs.plan.wire import comment, insert, named, uuid

if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.plan.found import Row, Tables
    from ganeti_ovs.plan.wire import Operation, Operations

STATUS = frozenset(
    (
        "_uuid", "_version", "admin_state", "bfd_status", "cfm_fault", "cfm_fault_status",
        "cfm_flap_count", "cfm_health", "cfm_remote_mpids", "cfm_remote_opstate", "datapath_id",
        "datapath_version", "duplex", "error", "ifindex", "is_connected", "lacp_current",
        "link_resets", "link_speed", "link_state", "mac_in_use", "mtu", "role", "rstp_statistics",
        "rstp_status", "statistics", "status",
    )
)  # fmt: skip
"""Columns that ovs-vswitchd writes. Of those it also reads, Interface.ofport gives an
interface its OpenFlow port number again, Port.bond_active_slave a bond its active member."""
_ALSO_WRITTEN = "bond_active_slave"
"""The column that we write and ovs-vswitchd, too: what stands in it says nothing of others."""


def undo(operations: Operations, before: Tables, now: Tables) -> Operations:
    """Operations that put `before` back where `operations` changed it; none if nothing is left."""
    return _Undo(before, now).run(operations)


class _Undo:
    def __init__(self, before: Tables, now: Tables) -> None:
        self.before, self.now = before, now
        self.back: Operations = []
        self._again: dict[str, str] = {}
        """UUID of a row that has gone -> the name of the insert that brings it back."""

    def run(self, operations: Operations) -> Operations:
        made = {
            str(one["uuid-name"]): (str(one["table"]), one["row"])
            for one in operations
            if one["op"] == "insert"
        }
        for one in operations:
            for row in self._rows(one):
                if one["op"] == "update":
                    self._update(str(one["table"]), row, one["row"])
                elif one["op"] == "mutate":
                    self._mutate(str(one["table"]), row, one["mutations"], made)
        if self.back:
            self.back.insert(0, comment("ganeti-ovs: vSwitches put back"))
        return self.back

    def _rows(self, operation: Any) -> list[Row]:
        """The rows of `operation` as they were before."""
        if operation["op"] not in ("update", "mutate"):
            return []
        rows = self.before[operation["table"]]
        if not operation["where"]:
            return list(rows.values())
        ((_column, _equal, reference),) = operation["where"]
        return [rows[reference[1]]] if reference[1] in rows else []

    def _update(self, table: str, row: Row, columns: Any) -> None:
        now = self.now[table].get(row["_uuid"][1])
        differing = {
            name: row[name]
            for name, wrote in columns.items()
            if now is not None
            and now[name] != row[name]
            and (name == _ALSO_WRITTEN or same(now[name], wrote))
        }
        if differing:
            self._write(table, row, {"op": "update", "row": differing})

    def _mutate(self, table: str, row: Row, mutations: Any, made: dict[str, Any]) -> None:
        now = self.now[table].get(row["_uuid"][1])
        if now is None:
            return
        back: list[object] = []
        for column, mutator, value in mutations:
            if column in ("external_ids", "other_config"):
                if mutator == "delete":
                    back += self._map(column, row, now, value[1], _inserted(column, mutations))
                continue
            references = [value] if value[0] != "set" else value[1]
            if mutator == "delete":
                there = self._names(now[column])
                gone = [
                    one
                    for one in references
                    if self._name(self.before, one) not in there and not self._taken(one, made)
                ]
                if gone:
                    again = [self._reference(one[1]) for one in gone]
                    # First: a set must not be empty in between.
                    back.insert(0, [column, "insert", ["set", again]])
            else:
                rows = filter(None, (self._made(one, made) for one in references))
                extra = [
                    one for one in rows if _has(now[column], one) and not _has(row[column], one)
                ]
                if extra:
                    back.append([column, "delete", ["set", extra]])
        if back:
            self._write(table, row, {"op": "mutate", "mutations": back})

    def _names(self, value: Any) -> set[str]:
        """Names of the rows that a column refers to; a row that is back has a new UUID."""
        references = [value] if value[0] != "set" else value[1]
        return {self._name(self.now, one) for one in references}

    @staticmethod
    def _name(tables: Tables, reference: Any) -> str:
        return next(
            str(rows[reference[1]]["name"]) for rows in tables.values() if reference[1] in rows
        )

    @staticmethod
    def _map(column: str, row: Row, now: Row, keys: Any, wrote: dict[str, str]) -> list[object]:
        old, new = dict(row[column][1]), dict(now[column][1])
        differing = [key for key in keys if old.get(key) != new.get(key) == wrote.get(key)]
        if not differing:
            return []
        pairs = [[key, old[key]] for key in differing if key in old]
        return [[column, "delete", ["set", differing]], [column, "insert", ["map", pairs]]]

    def _taken(self, reference: Any, made: dict[str, Any]) -> bool:
        """Whether somebody else has given the row's name to another one; names are unique."""
        name, key = self._name(self.before, reference), reference[1]
        table = next(table for table, rows in self.before.items() if key in rows)
        ours = any(one == table and row["name"] == name for one, row in made.values())
        return not ours and any(
            row["name"] == name and one not in self.before[table]
            for one, row in self.now[table].items()
        )

    def _made(self, reference: Any, made: dict[str, Any]) -> list[str] | None:
        """A row that the operations inserted or linked; names are unique in all three tables."""
        if reference[0] == "uuid":
            return list(reference)
        table, wanted = made[reference[1]]
        for key, row in self.now[table].items():
            if row["name"] == wanted["name"] and key not in self.before[table]:
                return uuid(key)
        return None

    def _reference(self, key: str) -> object:
        """The row of before, brought back if it has gone."""
        if any(key in rows for rows in self.now.values()):
            return uuid(key)
        if key not in self._again:
            table, row = next(
                (table, rows[key]) for table, rows in self.before.items() if key in rows
            )
            label = self._again[key] = f"again{len(self._again)}"
            columns = {
                name: self._value(value) for name, value in row.items() if name not in STATUS
            }
            self.back.append(insert(table, label, columns))
        return named(self._again[key])

    def _value(self, value: Any) -> Any:
        """A column's value with references to the rows that there are."""
        if not isinstance(value, list):
            return value
        if value[0] == "uuid":
            return self._reference(value[1]) if self._known(value[1]) else ["set", []]
        if value[0] == "set":
            return ["set", [self._value(one) for one in value[1] if self._kept(one)]]
        pairs = [[key, self._value(one)] for key, one in value[1] if self._kept(one)]
        return ["map", pairs]

    def _kept(self, value: Any) -> bool:
        return not isinstance(value, list) or self._known(value[1])

    def _known(self, key: str) -> bool:
        """False for a row that can be neither found nor made again (QoS has a road of its own)."""
        if any(key in rows for rows in self.now.values()):
            return True
        return any(key in rows for table, rows in self.before.items() if table != "QoS")

    def _write(self, table: str, row: Row, operation: Operation) -> None:
        where: list[object] = [] if table == ROOT else [["_uuid", "==", row["_uuid"]]]
        self.back.append({**operation, "table": table, "where": where})


def _inserted(column: str, mutations: Any) -> dict[str, str]:
    """What the mutations put into a map."""
    return {
        key: value
        for name, mutator, pairs in mutations
        if name == column and mutator == "insert"
        for key, value in pairs[1]
    }


def _has(value: Any, reference: Any) -> bool:
    return list(reference) in ([value] if value[0] != "set" else value[1])
