"""A database of vSwitches in memory: what ovsdb-server makes of our operations.

Rows that nothing refers to go, names are unique, immutable columns stay. Rows are in OVSDB's own
JSON, and operations are encoded for it, so that what it does is not what our values do.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.model.operations import Operation
from ganeti_ovs.model.rows import Tables
from ganeti_ovs.ovsdb.encode import encoded_operation
from ganeti_ovs.ovsdb.stored import tables_from_json
from ganeti_ovs.ovsdb.switches import READ
from ganeti_ovs.plan.current import Current
from tests.testbed.openvswitch import SCHEMA

if not Path(SCHEMA).exists():
    pytest.skip(f"no {SCHEMA}: install openvswitch-switch", allow_module_level=True)
TABLES: dict[str, dict[str, Any]] = json.loads(Path(SCHEMA).read_text())["tables"]
ROOT = "Open_vSwitch"
_COLUMNS = {table: definition["columns"] for table, definition in TABLES.items()}
_CHILDREN = {ROOT: "Bridge", "Bridge": "Port", "Port": "Interface"}
_REFERENCES = {ROOT: "bridges", "Bridge": "ports", "Port": "interfaces"}


class Database:
    def __init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in READ}
        self._insert(ROOT, {}, {})

    def found(self, running: Mapping[str, str] | None = None) -> Current:
        return Current(self.rows(), running)

    def rows(self) -> Tables:
        """As they are read."""
        return tables_from_json(self.tables)

    def carry_out(self, operations: Iterable[Operation]) -> None:
        self.transact([*map(encoded_operation, operations)])

    def transact(self, operations: list[dict[str, Any]]) -> None:
        """In OVSDB's JSON."""
        old, self.tables = self.tables, copy.deepcopy(self.tables)
        names = {one["uuid-name"]: str(uuid.uuid4()) for one in operations if one["op"] == "insert"}
        try:
            for one in operations:
                self._carry_out(one, names)
            self._collect()
            self._check()
        except BaseException:
            self.tables = old
            raise

    def _carry_out(self, one: dict[str, Any], names: dict[str, str]) -> None:
        if one["op"] == "comment":
            return
        table = one["table"]
        if one["op"] == "insert":
            self._insert(table, one["row"], names, names[one["uuid-name"]])
            return
        rows = list(self.tables[table].values())
        if one["where"]:
            ((column, _equal, reference),) = one["where"]
            rows = [row for row in rows if row[column] == reference]
        for row in rows:
            if one["op"] == "update":
                for column, value in one["row"].items():
                    assert _COLUMNS[table][column].get("mutable", True)
                    row[column] = _normal(_real(value, names))
            else:
                assert one["op"] == "mutate"
                for column, mutator, value in one["mutations"]:
                    row[column] = _mutated(row[column], mutator, _real(value, names))
                    # ovsdb-server looks at every step of a mutation, not only at the last.
                    assert row[column] != ["set", []] or column != "interfaces"

    def _insert(
        self, table: str, row: dict[str, Any], names: dict[str, str], key: str = ""
    ) -> None:
        key = key or str(uuid.uuid4())
        full = {name: _default(column["type"]) for name, column in _COLUMNS[table].items()}
        for column, value in row.items():
            assert column in full, (table, column)
            full[column] = _normal(_real(value, names))
        self.tables[table][key] = {**full, "_uuid": ["uuid", key]}

    def _collect(self) -> None:
        for parent, child in _CHILDREN.items():
            alive = {
                reference[1]
                for row in self.tables[parent].values()
                for reference in _elements(row[_REFERENCES[parent]])
            }
            assert alive <= set(self.tables[child]), f"{parent} refers to a {child} that is gone"
            for key in set(self.tables[child]) - alive:
                del self.tables[child][key]

    def _check(self) -> None:
        for parent, child in _CHILDREN.items():
            held: list[str] = []
            for row in self.tables[parent].values():
                references = [one[1] for one in _elements(row[_REFERENCES[parent]])]
                assert references or parent != "Port", "a port without interface"
                held += references
            assert len(held) == len(set(held)), f"a {child} in two places"
            names = [row["name"] for row in self.tables[child].values()]
            assert len(names) == len(set(names)), f"two {child} rows of one name"


def _default(kind: Any) -> Any:
    if not isinstance(kind, dict):
        return {"string": "", "integer": 0, "boolean": False, "real": 0.0, "uuid": None}[kind]
    if "value" in kind:
        return ["map", []]
    if kind.get("min", 1) == 0 or kind.get("max", 1) != 1:
        return ["set", []]
    base = kind["key"]
    return _default(base if isinstance(base, str) else base["type"])


def _real(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        if value[:1] == ["named-uuid"]:
            return ["uuid", names[value[1]]]
        return [_real(one, names) for one in value]
    return value


def _elements(value: Any) -> list[Any]:
    return list(value[1]) if isinstance(value, list) and value[0] == "set" else [value]


def _normal(value: Any) -> Any:
    """As ovsdb-server shows it: a set of one is its element."""
    if isinstance(value, list) and value[0] == "set" and len(value[1]) == 1:
        return value[1][0]
    return value


def _mutated(old: Any, mutator: str, value: Any) -> Any:
    if old[0] == "map":
        if mutator == "delete":
            keys = value[1]
            return ["map", [pair for pair in old[1] if pair[0] not in keys]]
        has = [key for key, _ in old[1]]
        return ["map", [*old[1], *(pair for pair in value[1] if pair[0] not in has)]]
    elements = _elements(old)
    changed = _elements(value)
    if mutator == "delete":
        return _normal(["set", [one for one in elements if one not in changed]])
    return _normal(["set", [*elements, *(one for one in changed if one not in elements)]])
