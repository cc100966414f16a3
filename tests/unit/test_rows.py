"""Rows and operations at the border: what is read is what Open vSwitch's schema has, both ways."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.operations import (
    Assert,
    Comment,
    Delete,
    Insert,
    Mutate,
    Mutation,
    Operation,
    Select,
    Update,
    Wait,
    Where,
    at,
)
from ganeti_ovs.model.rows import (
    KINDS,
    Bridge,
    Interface,
    Named,
    Port,
    QoS,
    Queue,
    Root,
    Row,
    Tables,
    Uuid,
)
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.ovsdb.decode import Strange, check_references, decoded_rows
from ganeti_ovs.ovsdb.encode import encoded, encoded_columns, encoded_operation
from ganeti_ovs.ovsdb.stored import (
    operations_from_json,
    operations_to_json,
    tables_from_json,
    tables_to_json,
)
from tests.unit.simulated import TABLES

ONE = "bdc23741-5995-403d-8ac7-475db57bbb6f"
TWO = "c0ffee00-5995-403d-8ac7-475db57bbb6f"


def annotated(kind: type[Row]) -> dict[str, str]:
    return {
        name: str(form) for one in kind.__mro__[:-1] for name, form in one.__annotations__.items()
    }


COLUMNS = [
    (kind.table, column, form)
    for kind in KINDS.values()
    for column, form in annotated(kind).items()
    if column != "_uuid"
]


def form_of(kind: Any) -> str:
    """The annotation that the schema's type must have."""
    atoms = {"string": "str", "integer": "int", "boolean": "bool", "uuid": "Uuid"}

    def atom(base: Any) -> str:
        return atoms[base if isinstance(base, str) else base["type"]]

    if isinstance(kind, str):
        return atoms[kind]
    if "value" in kind:
        return f"dict[{atom(kind['key'])}, {atom(kind['value'])}]"
    fewest, most, key = kind.get("min", 1), kind.get("max", 1), atom(kind["key"])
    if (fewest, most) == (1, 1):
        return key
    if key == "Uuid" or most != 1:
        return "Members" if fewest else f"frozenset[{key}]"
    return f"{key} | None"


@pytest.mark.parametrize(("table", "column", "form"), COLUMNS)
def test_columns_are_those_of_the_schema(table: str, column: str, form: str) -> None:
    assert form == form_of(TABLES[table]["columns"][column]["type"])


def test_settings_stand_in_columns_that_are_read() -> None:
    for one in SETTINGS.values():
        if one.place:
            form = annotated(KINDS[one.place.table])[one.place.column]
            assert (form == "dict[str, str]") == bool(one.place.key)


@pytest.mark.parametrize(
    ("table", "given", "values"),
    [
        ("Port", {"tag": ["set", []], "trunks": ["set", []]}, {"tag": None, "trunks": set()}),
        ("Port", {"tag": 5, "trunks": 5}, {"tag": 5, "trunks": {5}}),
        ("Port", {"trunks": ["set", [7, 5]]}, {"trunks": {5, 7}}),
        ("Port", {"interfaces": ["uuid", ONE]}, {"interfaces": {ONE}}),
        ("Port", {"fake_bridge": False, "qos": ["set", []]}, {"fake_bridge": False, "qos": set()}),
        ("Bridge", {"external_ids": ["map", [["a", "b"]]]}, {"external_ids": {"a": "b"}}),
        ("QoS", {"queues": ["map", [[0, ["uuid", ONE]]]]}, {"queues": {0: ONE}}),
        ("Port", {"unknown": ["set", ["a", "b"]]}, {"unknown": {"a", "b"}}),
        ("Mirror", {"output_vlan": ["set", []], "x": 1.5}, {"output_vlan": set(), "x": 1.5}),
        ("Mirror", {"output_port": ["uuid", ONE]}, {"output_port": ONE}),
        ("Mirror", {"select_vlan": 7}, {"select_vlan": 7}),
    ],
)
def test_values(table: str, given: dict[str, Any], values: dict[str, Any]) -> None:
    (row,) = decoded_rows(table, [given], [*given])
    assert row.columns == values
    assert type(row) is KINDS.get(table, Row)
    assert decoded_rows(table, [encoded_columns(row.columns)], [*given]) == (row,)


@pytest.mark.parametrize(
    ("table", "given"),
    [
        ("Port", {"tag": "5"}),
        ("Port", {"tag": True}),
        ("Port", {"trunks": ["set", 5]}),
        ("Port", {"trunks": ["set", ["5"]]}),
        ("Port", {"interfaces": ["set", []]}),
        ("Port", {"interfaces": ["named-uuid", "x"]}),
        ("Port", {"interfaces": ["uuid", 5]}),
        ("Port", {"fake_bridge": 0}),
        ("QoS", {"queues": ["map", [["0", ["uuid", ONE]]]]}),
        ("Mirror", {"x": None}),
        ("Mirror", {"x": {}}),
        ("Mirror", {"x": []}),
        ("Mirror", {"x": ["set", [["set", []]]]}),
        ("Mirror", {"x": ["map", [1]]}),
        ("Mirror", {"x": [[], []]}),
        ("Mirror", {"x": "\ud800"}),
        ("Mirror", {"_uuid": "x"}),
    ],
)
def test_what_no_column_has(table: str, given: dict[str, Any]) -> None:
    with pytest.raises(Strange, match=f"a value that {table}'s .* cannot have"):
        decoded_rows(table, [given], [*given])


def test_rows_are_frozen() -> None:
    row = Bridge({"_uuid": Uuid(ONE), "name": "br0"})
    with pytest.raises(AttributeError):
        row.name = "br1"
    with pytest.raises(AttributeError):
        row.ports  # noqa: B018  It was not asked for.
    assert copy.deepcopy(row) == row
    assert "br0" in repr(row)
    assert Bridge({}) != Port({})


def test_references_that_lead_nowhere() -> None:
    rows: list[Row] = [
        Root({"_uuid": Uuid("r"), "bridges": frozenset()}),
        QoS({"_uuid": Uuid("q"), "queues": {0: Uuid("u")}}),
    ]
    tables = Tables((row.table, {row.uuid: row}) for row in rows)
    check_references(tables)
    tables["Queue"] = {Uuid("u"): Queue({"_uuid": Uuid("u")})}
    check_references(tables)
    tables["Queue"] = {}
    with pytest.raises(Strange, match="a row of QoS that refers to a missing Queue"):
        check_references(tables)


@pytest.mark.parametrize(
    ("operation", "data"),
    [
        (Comment("x"), {"op": "comment", "comment": "x"}),
        (Assert("x"), {"op": "assert", "lock": "x"}),
        (Delete("Port", Uuid(ONE)),
         {"op": "delete", "table": "Port", "where": [["_uuid", "==", ["uuid", ONE]]]}),
        (Select("Port", None), {"op": "select", "table": "Port", "where": []}),
        (Select("Port", Where("qos", Uuid(ONE), "includes"), ("name",)),
         {"op": "select", "table": "Port", "where": [["qos", "includes", ["uuid", ONE]]],
          "columns": ["name"]}),
        (Wait("Port", at(Uuid(ONE)), {"tag": None}),
         {"op": "wait", "table": "Port", "where": [["_uuid", "==", ["uuid", ONE]]], "timeout": 0,
          "columns": ["tag"], "until": "==", "rows": [{"tag": ["set", []]}]}),
        (Insert("Port", "p", {"name": "x", "interfaces": frozenset({Named("b"), Uuid("a")})}),
         {"op": "insert", "table": "Port", "uuid-name": "p", "row": {
             "name": "x", "interfaces": ["set", [["uuid", "a"], ["named-uuid", "b"]]]}}),
        (Update("Bridge", None, {"rstp_enable": True}),
         {"op": "update", "table": "Bridge", "where": [], "row": {"rstp_enable": True}}),
        (Mutate("Bridge", Where("name", "x"), (
            Mutation("external_ids", "delete", frozenset({"b", "a"})),
            Mutation("external_ids", "insert", {"a": "1"}))),
         {"op": "mutate", "table": "Bridge", "where": [["name", "==", "x"]], "mutations": [
             ["external_ids", "delete", ["set", ["a", "b"]]],
             ["external_ids", "insert", ["map", [["a", "1"]]]]]}),
    ],
)  # fmt: skip
def test_operations(operation: Operation, data: dict[str, Any]) -> None:
    assert encoded_operation(operation) == data
    json.dumps(data)
    if data["op"] in ("comment", "insert", "update", "mutate"):
        assert operations_from_json(json.loads(json.dumps(data, indent=1).join("[]"))) == [
            operation
        ]


def test_operations_of_an_earlier_release() -> None:
    """It wrote some sets of one as their element, and optional columns as sets."""
    data: list[dict[str, Any]] = [
        {"op": "insert", "table": "Port", "uuid-name": "p",
         "row": {"name": "x", "interfaces": ["named-uuid", "i"], "tag": ["set", []]}},
        {"op": "update", "table": "Port", "where": [["_uuid", "==", ["uuid", ONE]]],
         "row": {"trunks": ["set", [10]], "qos": ["set", []], "bond_active_slave": "02:00"}},
        {"op": "mutate", "table": "Open_vSwitch", "where": [],
         "mutations": [["bridges", "insert", ["named-uuid", "b"]],
                       ["bridges", "delete", ["uuid", TWO]]]},
    ]  # fmt: skip
    row = {"name": "x", "interfaces": frozenset({Named("i")}), "tag": None}
    changed = {
        "trunks": frozenset({10}), "qos": frozenset(), "bond_active_slave": "02:00",
    }  # fmt: skip
    assert operations_from_json(data) == [
        Insert("Port", "p", row),
        Update("Port", at(Uuid(ONE)), changed),
        Mutate("Open_vSwitch", None, (
            Mutation("bridges", "insert", frozenset({Named("b")})),
            Mutation("bridges", "delete", frozenset({Uuid(TWO)})),
        )),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data", [[{}], [{"op": "abort", "table": "x"}], [7], 7, [{"op": "update"}]]
)
def test_no_operations(data: Any) -> None:
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        operations_from_json(data)


atoms: Any = (
    st.integers() | st.text() | st.booleans() | st.builds(Uuid, st.text("0123456789abcdef"))
)
sets: Any = (
    st.frozensets(st.integers(), max_size=3)
    | st.frozensets(st.text(), max_size=3)
    | st.frozensets(st.builds(Uuid, st.text("0123456789abcdef")), max_size=3)
)
maps: Any = st.dictionaries(st.text(), st.text() | st.builds(Uuid, st.text("0123")), max_size=3)


@given(st.dictionaries(st.text(min_size=1), atoms | sets | maps, max_size=4))
def test_what_is_not_known_comes_back_as_it_was(columns: dict[str, Any]) -> None:
    mirror = Row({**columns, "_uuid": Uuid(ONE)})
    bridge = Bridge({**{f"x{name}": one for name, one in columns.items()}, "_uuid": Uuid(TWO)})
    tables = Tables({"Mirror": {mirror.uuid: mirror}, "Bridge": {bridge.uuid: bridge}})
    kept = json.loads(json.dumps(tables_to_json(tables, frozenset())))
    assert tables_from_json(kept) == tables


def test_columns_that_are_left_out() -> None:
    row = Interface({"_uuid": Uuid(ONE), "name": "e0", "mtu": 1500})
    kept = tables_to_json(Tables({"Interface": {row.uuid: row}}), {"mtu"})
    assert kept == {"Interface": {ONE: {"_uuid": ["uuid", ONE], "name": "e0"}}}
    assert encoded(operations_to_json([])) == []
