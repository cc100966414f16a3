"""What hangs on a guest's port: all that others can set is carried over, and nothing of ours."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti_ovs.model.hanging import Around
from ganeti_ovs.model.operations import Insert, Mutate, Mutation, Update, at
from ganeti_ovs.model.rows import Bridge, Row, Uuid
from ganeti_ovs.plan.carry import Hanging, hanging_on, into, onto, set_by_others
from ganeti_ovs.plan.port import attach
from tests.unit.simulated import TABLES, Database
from tests.unit.test_plan_vswitch import bridge
from tests.unit.test_portchanges import nic

NOTHING = Hanging({}, {}, ())


def value_of(kind: Any) -> Any:
    """A value that is not the default, in OVSDB's JSON."""
    if isinstance(kind, str):
        return {"string": "x", "integer": 1, "boolean": True, "real": 1.5}.get(kind)
    base = kind["key"]
    if isinstance(base, str):
        base = {"type": base}
    some = base.get("enum", ["set", [value_of(base["type"])]])
    allowed = some[1][0] if isinstance(some, list) else some
    if allowed is None:
        return None
    return ["map", [[allowed, value_of(kind["value"])]]] if "value" in kind else allowed


def filled(database: Database, table: str) -> Row:
    """The guest's row of a table with something in every column that may be written."""
    (row,) = (one for one in database.tables[table].values() if one["name"] == "tap0")
    for name, column in TABLES[table]["columns"].items():
        value = value_of(column["type"])
        if value is not None and name not in ("name", "external_ids"):
            row[name] = value
    row["external_ids"][1].append(["theirs", "1"])
    return database.rows()[table][Uuid(row["_uuid"][1])]


@pytest.fixture
def database() -> Database:
    found = Database()
    bridge(found, "br0")
    found.carry_out(made())
    return found


def made(hanging: Hanging = NOTHING, **changes: Any) -> list[Any]:
    """The operations that make the port, as far as they change something."""
    kinds = (Insert, Mutate, Update)
    return [one for one in into(attach(nic(**changes)), hanging) if isinstance(one, kinds)]


def rows(database: Database, tap: str = "tap0") -> tuple[Row, Row]:
    tables = database.rows()
    port, interface = (
        next(row for row in tables[table].values() if row.columns["name"] == tap)
        for table in ("Port", "Interface")
    )
    return port, interface


def remove(database: Database, tap: str = "tap0") -> None:
    port, _interface = rows(database, tap)
    (has,) = database.rows().of(Bridge).values()
    mutation = Mutation("ports", "delete", frozenset({port.uuid}))
    database.carry_out([Mutate("Bridge", at(has.uuid), (mutation,))])


def test_a_port_that_nobody_has_touched(database: Database) -> None:
    assert [dict(set_by_others(row)) for row in rows(database)] == [{}, {}]
    assert into(attach(nic()), NOTHING) == attach(nic())


def test_every_column_of_the_schema(database: Database) -> None:
    """Those that stay behind are ours, or what ovs-vswitchd says."""
    port, interface = (filled(database, table) for table in ("Port", "Interface"))
    behind = {
        row.table: {name for name, value in row.columns.items() if value}
        - set_by_others(row).keys()
        for row in (port, interface)
    }
    assert behind["Port"] - {"_uuid"} == {
        "name", "interfaces", "vlan_mode", "tag", "trunks", "bond_active_slave", "statistics",
        "status", "rstp_status", "rstp_statistics",
    }  # fmt: skip
    assert {"lldp", "bfd", "mac", "ofport_request", "other_config"} <= set_by_others(
        interface
    ).keys()
    assert {"mtu_request", "ingress_policing_rate", "ofport", "error", "statistics"} <= behind[
        "Interface"
    ]
    remove(database)
    database.carry_out(made(Hanging(set_by_others(port), set_by_others(interface), ())))
    for before, now in zip((port, interface), rows(database), strict=True):
        assert set_by_others(now) == set_by_others(before)
    assert rows(database)[0].columns["tag"] == 100


def mirror(database: Database, name: str, on: str, **columns: Any) -> Uuid:
    found = {one.name: ["uuid", one.uuid] for one in database.rows().of(Bridge).values()}
    database.transact(
        [
            {"op": "insert", "table": "Mirror", "uuid-name": "m", "row": {"name": name, **columns}},
            {"op": "mutate", "table": "Bridge", "where": [["_uuid", "==", found[on]]],
             "mutations": [["mirrors", "insert", ["named-uuid", "m"]]]},
        ]
    )  # fmt: skip
    mirrors = database.rows()["Mirror"].items()
    return next(key for key, row in mirrors if row.columns["name"] == name)


def around(database: Database) -> Around:
    tables = database.rows()
    return Around(
        tuple(tables["Mirror"].values()),
        tuple(tables.of(Bridge).values()),
        {**tables["Port"], **tables["Interface"]},
    )


def test_mirrors(database: Database) -> None:
    """Of the NIC's own vSwitch; others would look for a port that is none of theirs."""
    bridge(database, "br1")
    port, interface = rows(database)
    reference = ["uuid", port.uuid]
    both = mirror(database, "both", "br0", select_src_port=reference, select_dst_port=reference)
    output = mirror(database, "output", "br0", output_port=reference)
    mirror(database, "elsewhere", "br1", select_src_port=reference)
    mirror(database, "other", "br0")
    hanging = hanging_on(port.uuid, interface.uuid, around(database))
    assert hanging.words() == ("mirror both", "mirror elsewhere", "mirror output")
    hanging = hanging.only("br0")
    assert hanging.words() == ("mirror both", "mirror output")
    for row in database.tables["Mirror"].values():  # As ovsdb-server does with weak references.
        for column in ("select_src_port", "select_dst_port", "output_port"):
            row[column] = ["set", []]
    remove_from(database, "br0")
    database.carry_out(made(hanging))
    new = rows(database)[0].uuid
    assert new != port.uuid
    tables = database.rows()["Mirror"]
    assert tables[both].columns["select_src_port"] == tables[both].columns["select_dst_port"] == new
    assert tables[output].columns["output_port"] == new
    others = [row.columns["select_src_port"] for key, row in tables.items() if key != both]
    assert others == [frozenset()] * 3


def remove_from(database: Database, switch: str) -> None:
    port, _interface = rows(database)
    (has,) = (one for one in database.rows().of(Bridge).values() if one.name == switch)
    mutation = Mutation("ports", "delete", frozenset({port.uuid}))
    database.carry_out([Mutate("Bridge", at(has.uuid), (mutation,))])


def test_onto_a_port_that_is_there(database: Database) -> None:
    """What that one has already stays."""
    old = [filled(database, table) for table in ("Port", "Interface")]
    hanging = Hanging(set_by_others(old[0]), set_by_others(old[1]), ())
    database.carry_out(made(tap="tap5"))
    (row,) = (one for one in database.tables["Port"].values() if one["name"] == "tap5")
    row["other_config"] = ["map", [["x", "mine"]]]
    row["external_ids"][1].append(["theirs", "2"])
    database.carry_out(onto(*rows(database, "tap5"), hanging))
    port, interface = rows(database, "tap5")
    assert port.columns["other_config"]["x"] == "mine"
    assert port.columns["external_ids"]["theirs"] == "2"
    assert port.columns["protected"] is True
    assert set_by_others(interface) == set_by_others(old[1])
    assert onto(port, interface, hanging) == []
