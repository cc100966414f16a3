"""vSwitches: what is written, what stays, and that a plan carried out leaves nothing to do."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.operations import Insert, Update
from ganeti_ovs.model.rows import Bridge, Port, Row, Uuid
from ganeti_ovs.model.vswitch import VSwitch, check_together, vswitch
from ganeti_ovs.ovsdb.encode import encoded_columns
from ganeti_ovs.plan.compare import left
from ganeti_ovs.plan.current import Current, Host
from ganeti_ovs.plan.switchplan import SwitchesPlan
from ganeti_ovs.plan.undo import undo
from ganeti_ovs.plan.vswitch import plan_switches
from ganeti_ovs.plan.words import words
from tests.unit.simulated import Database
from tests.unit.test_plan import check_row

DEVICES = frozenset(f"eth{n}" for n in range(6))
HOST = Host(DEVICES)


def switch(name: str = "br0", **values: str) -> VSwitch:
    return vswitch(name, values)


def bridge(database: Database, name: str, **columns: Any) -> None:
    """As ovs-vsctl add-br makes it."""
    database.transact(
        [
            {"op": "insert", "table": "Interface", "uuid-name": "i",
             "row": {"name": name, "type": "internal"}},
            {"op": "insert", "table": "Port", "uuid-name": "p",
             "row": {"name": name, "interfaces": ["named-uuid", "i"]}},
            {"op": "insert", "table": "Bridge", "uuid-name": "b",
             "row": {"name": name, "ports": ["named-uuid", "p"], **columns}},
            {"op": "mutate", "table": "Open_vSwitch", "where": [],
             "mutations": [["bridges", "insert", ["named-uuid", "b"]]]},
        ]
    )  # fmt: skip


def port(
    database: Database, switch_name: str, *members: str, name: str = "", guest: bool = False,
    **columns: Any
) -> None:  # fmt: skip
    ids = [["ganeti-ovs", "1"], ["ganeti-instance", "inst1.lab"], ["ganeti-nic", "0"]]
    extra = {"external_ids": ["map", ids]} if guest else {}
    inserts = [
        {"op": "insert", "table": "Interface", "uuid-name": f"i{n}", "row": {"name": one, **extra}}
        for n, one in enumerate(members)
    ]
    interfaces = ["set", [["named-uuid", f"i{n}"] for n in range(len(members))]]
    row = {"name": name or members[0], "interfaces": interfaces, **extra, **columns}
    (found,) = (b for b in database.tables["Bridge"].values() if b["name"] == switch_name)
    database.transact(
        [
            *inserts,
            {"op": "insert", "table": "Port", "uuid-name": "p", "row": row},
            {"op": "mutate", "table": "Bridge", "where": [["_uuid", "==", found["_uuid"]]],
             "mutations": [["ports", "insert", ["named-uuid", "p"]]]},
        ]
    )  # fmt: skip


def apply(database: Database, *wanted: VSwitch, host: Host = HOST) -> SwitchesPlan:
    plan = plan_switches(wanted, database.found(), host)
    for one in plan.operations:
        if isinstance(one, Insert | Update):
            check_row(one.table, distinct(encoded_columns(one.columns)))
    database.carry_out(plan.operations)
    return plan


def distinct(value: Any) -> Any:
    """Named references as UUIDs of their own: a set must not have an element twice."""
    if isinstance(value, dict):
        return {key: distinct(one) for key, one in value.items()}
    if isinstance(value, list):
        if value[:1] == ["named-uuid"]:
            return ["uuid", str(uuid.uuid5(uuid.NAMESPACE_OID, value[1]))]
        return [distinct(one) for one in value]
    return value


def again(database: Database, *wanted: VSwitch) -> None:
    plan = plan_switches(wanted, database.found(), HOST)
    assert (plan.operations, plan.changes) == ((), ())


def row(database: Database, table: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in database.tables[table].values() if one["name"] == name)
    return found


def members(database: Database, name: str) -> list[str]:
    found = database.found()
    return list(found.members(found.ports[name]))


def lines(plan: SwitchesPlan) -> list[str]:
    return [words(change) for change in plan.changes]


def refusals(plan: SwitchesPlan) -> list[str]:
    return [*plan.errors, *plan.devices, *plan.refused]


def test_new() -> None:
    database = Database()
    wanted = switch(
        uplinks="eth0+eth1", bond_mode="balance-tcp", lacp="active", lacp_time="fast",
        bond_updelay="100", trunks="10+20", mtu="9000", datapath_type="netdev",
        fail_mode="secure", mcast_snooping="yes",
    )  # fmt: skip
    plan = apply(database, wanted)
    assert lines(plan) == ["br0: made", "br0: uplink eth0 and eth1 as port bond-br0"]
    assert refusals(plan) == []
    again(database, wanted)
    found = row(database, "Port", "bond-br0")
    assert (found["bond_mode"], found["lacp"], found["vlan_mode"]) == (
        "balance-tcp",
        "active",
        "trunk",
    )
    assert found["other_config"] == ["map", [["lacp-time", "fast"]]]
    assert (found["trunks"], found["bond_updelay"]) == (["set", [10, 20]], 100)
    made = row(database, "Bridge", "br0")
    assert (made["datapath_type"], made["fail_mode"]) == ("netdev", "secure")
    assert made["mcast_snooping_enable"] is True
    for name in ("br0", "eth0", "eth1"):
        assert row(database, "Interface", name)["mtu_request"] == 9000
    rows = database.found()
    assert rows.bridges["br0"].ours and rows.ports["bond-br0"].ours
    # Marked interfaces are guests', see plan.portsplan.
    assert not any(interface.ours for interface in rows.interfaces.values())


def test_every_setting_to_its_default_and_back() -> None:
    database = Database()
    full = switch(
        uplinks="eth0+eth1", bond_mode="balance-slb", bond_rebalance_interval="0", trunks="10",
        bond_downdelay="5", mtu="1400", fail_mode="secure", mcast_snooping="yes",
    )  # fmt: skip
    plain = switch(uplinks="eth0+eth1")
    apply(database, plain)
    without = copy.deepcopy(database.tables)
    plan = apply(database, full)
    assert sorted(lines(plan)) == [
        "br0: bond-br0: bond_downdelay 0 -> 5",
        "br0: bond-br0: bond_mode active-backup -> balance-slb",
        "br0: bond-br0: bond_rebalance_interval unset -> 0",
        "br0: bond-br0: trunks unset -> 10",
        "br0: eth0: mtu unset -> 1400",
        "br0: eth1: mtu unset -> 1400",
        "br0: fail_mode standalone -> secure",
        "br0: mcast_snooping false -> true",
        "br0: mtu unset -> 1400",
    ]
    apply(database, plain)
    again(database, plain)
    assert database.tables == without


def test_adopted_as_it_is() -> None:
    database = Database()
    bridge(database, "br0", fail_mode="secure")
    port(database, "br0", "eth0", trunks=["set", [1, 2]])
    port(database, "br0", "tap0", guest=True)
    before = copy.deepcopy(database.tables)
    plan = apply(database, switch(uplinks="eth0"))
    assert lines(plan) == ["br0: adopted", "br0: port eth0 adopted"]
    assert [*plan.warnings] == [
        "br0: fail_mode secure was set by hand and stays",
        "br0: eth0: trunks 1 2 was set by hand and stays",
    ]
    for table, rows in database.tables.items():
        assert rows.keys() == before[table].keys()
        for key, one in rows.items():
            assert {**one, "external_ids": 0} == {**before[table][key], "external_ids": 0}
    # What we set is ours to clear; the rest is not.
    apply(database, switch(uplinks="eth0", rstp="yes", trunks="7"))
    apply(database, switch(uplinks="eth0"))
    assert row(database, "Bridge", "br0")["rstp_enable"] is False
    assert row(database, "Bridge", "br0")["fail_mode"] == "secure"
    assert row(database, "Port", "eth0")["trunks"] == ["set", []]


def test_single_bond_single_in_one_row() -> None:
    database = Database()
    bridge(database, "br0")
    port(database, "br0", "eth0")
    uplink = row(database, "Port", "eth0")["_uuid"], row(database, "Interface", "eth0")["_uuid"]
    apply(database, switch(uplinks="eth0+eth1", bond_primary="eth1"))
    assert members(database, "eth0") == ["eth0", "eth1"]
    assert row(database, "Port", "eth0")["bond_mode"] == "active-backup"
    apply(database, switch(uplinks="eth0"))
    assert members(database, "eth0") == ["eth0"]
    assert row(database, "Port", "eth0")["bond_mode"] == ["set", []]
    assert row(database, "Port", "eth0")["other_config"] == ["map", []]
    assert uplink == (
        row(database, "Port", "eth0")["_uuid"],
        row(database, "Interface", "eth0")["_uuid"],
    )


def test_a_port_is_not_called_like_a_device_that_left_it() -> None:
    database = Database()
    apply(database, switch(uplinks="eth0"))
    apply(database, switch(uplinks="eth0+eth1"))
    kept = row(database, "Interface", "eth1")["_uuid"]
    two = switch("br0", uplinks="eth1+eth2"), switch("br1", uplinks="eth0")
    apply(database, *two)
    again(database, *two)
    assert members(database, "bond-br0") == ["eth1", "eth2"]
    assert members(database, "eth0") == ["eth0"]
    assert row(database, "Interface", "eth1")["_uuid"] == kept


def test_a_foreign_bond_keeps_its_name() -> None:
    database = Database()
    bridge(database, "br0")
    port(database, "br0", "eth0", "eth1", "eth5", name="mybond", bond_mode="balance-slb")
    wanted = switch(uplinks="eth0+eth1", bond_mode="balance-tcp", lacp="passive")
    plan = apply(database, wanted)
    assert "br0: uplink eth5 removed from mybond" in lines(plan)
    assert members(database, "mybond") == ["eth0", "eth1"]
    again(database, wanted)


def test_a_bond_moves_to_another_vswitch() -> None:
    """And leaves its name behind, for the next bond there."""
    database = Database()
    for one, other in (("eth0+eth1", ""), ("", "eth0+eth1"), ("eth2+eth3", "eth0+eth1")):
        uplinks = {"br0": one, "br1": other}
        wanted = [switch(n, **({"uplinks": u} if u else {})) for n, u in uplinks.items()]
        plan = apply(database, *wanted)
        assert [line for line in refusals(plan) if "would be" in line] == []
        again(database, *wanted)
    assert members(database, "bond-br0") == ["eth2", "eth3"]
    assert members(database, "bond-br1") == ["eth0", "eth1"]


def test_two_ports_become_one_bond() -> None:
    database = Database()
    bridge(database, "br0")
    port(database, "br0", "eth0")
    port(database, "br0", "eth1")
    plan = apply(database, switch(uplinks="eth0+eth1"))
    assert "br0: port eth1 removed" in lines(plan)
    assert members(database, "eth0") == ["eth0", "eth1"]


def test_removal() -> None:
    database = Database()
    bridge(database, "theirs")
    apply(database, switch("br0", uplinks="eth0"), switch("br1", uplinks="eth1"))
    plan = apply(database, switch("br0", uplinks="eth0"))
    assert (lines(plan), refusals(plan)) == (["br1: removed"], [])
    assert {b["name"] for b in database.tables["Bridge"].values()} == {"br0", "theirs"}
    port(database, "br0", "tap0", guest=True)
    port(database, "br0", "vxlan0")
    plan = plan_switches((), database.found(), Host(DEVICES, {"br0": "the default route"}))
    assert refusals(plan) == [
        "br0 is used by tap0 (inst1.lab, NIC 0)",
        "br0 has ports that are not ours: vxlan0",
        "br0 carries the default route",
    ]
    assert lines(plan) == ["br0: removed; cut tap0 (inst1.lab, NIC 0); cut vxlan0"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (switch(uplinks="eth9"), "br0: this node has no device eth9"),
        (switch(uplinks="eth3"), "br0: eth3 carries the default route, which does not work on an"
         " uplink"),
        (switch(uplinks="eth4"), "br0: eth4 is on vSwitch theirs already"),
        (switch(uplinks="theirs"), "br0: theirs is Open vSwitch's own, no device"),
        (switch(uplinks="tap0"), "br0: tap0 is the port of tap0 (inst1.lab, NIC 0)"),
        (switch("eth2"), "eth2 is a device of this node; take another name"),
        (switch("eth4"), "eth4 is a port of another vSwitch; remove it or take another name"),
    ],
)  # fmt: skip
def test_refused(wanted: VSwitch, words: str) -> None:
    database = Database()
    bridge(database, "theirs")
    port(database, "theirs", "eth4")
    port(database, "theirs", "tap0", guest=True)
    host = Host(DEVICES | {"tap0"}, {"eth3": "the default route"})
    assert words in refusals(plan_switches((wanted,), database.found(), host))


def test_own_device_of_a_lost_database() -> None:
    """It is what the vSwitch is made on; not if the node lives on it, but for who forces."""
    left = Host(DEVICES | {"br0"}, leftovers=frozenset({"br0"}))
    assert refusals(apply(Database(), switch(), host=left)) == []
    carried = Host(DEVICES | {"br0"}, {"br0": "the default route"}, frozenset({"br0"}))
    plan = apply(Database(), switch(), host=carried)
    assert not plan.errors
    assert [*plan.devices, *plan.refused] == [
        "br0 is left of a vSwitch that is lost, and carries the default route, which may go when"
        " it is made anew"
    ]


def test_an_uplink_that_is_one_already_may_carry_what_it_likes() -> None:
    database = Database()
    bridge(database, "br0")
    port(database, "br0", "eth3")
    host = Host(DEVICES, {"eth3": "the default route", "br0": "the node's address 192.0.2.1"})
    assert refusals(plan_switches((switch(uplinks="eth3"),), database.found(), host)) == []
    plan = plan_switches((switch(uplinks="eth3", trunks="5"),), database.found(), host)
    assert refusals(plan) == [
        "br0 carries the node's address 192.0.2.1 untagged, which trunks 5 keep from the uplink"
    ]
    apply(database, switch(uplinks="eth3"))
    assert refusals(plan_switches((switch(),), database.found(), host)) == [
        "br0 carries the node's address 192.0.2.1 and would have no uplink"
    ]


def test_other_internal_ports_that_the_node_uses() -> None:
    """An address may be on one of its own, in a VLAN."""
    database = Database()
    bridge(database, "br0")
    apply(database, switch(uplinks="eth0"))
    port(database, "br0", "mgmt0", tag=10)
    (row,) = (row for row in database.tables["Interface"].values() if row["name"] == "mgmt0")
    row["type"] = "internal"
    host = Host(DEVICES, {"mgmt0": "the node's address 192.0.2.1"})
    plan = plan_switches((switch(uplinks="eth0", trunks="10+20"),), database.found(), host)
    assert refusals(plan) == []
    plan = plan_switches((switch(uplinks="eth0", trunks="20"),), database.found(), host)
    assert refusals(plan) == [
        "mgmt0 carries the node's address 192.0.2.1 in VLAN 10, which trunks 20 keep from the"
        " uplink"
    ]
    assert refusals(plan_switches((switch(),), database.found(), host)) == [
        "mgmt0 carries the node's address 192.0.2.1 and would have no uplink"
    ]


NAMES = ("br0", "br1")


@st.composite
def documents(draw: Any) -> tuple[VSwitch, ...]:
    switches = []
    devices = draw(st.permutations(sorted(DEVICES)))
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        count = draw(st.integers(0, 3))
        chosen, devices = devices[:count], devices[count:]
        values = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "trunks": st.sampled_from(["1", "10+20"]),
                    "mtu": st.sampled_from(["1500", "9000"]),
                    "fail_mode": st.just("secure"),
                    "rstp": st.just("yes"),
                    "mcast_snooping": st.just("yes"),
                    "datapath_type": st.just("netdev"),
                    "bond_mode": st.sampled_from(["balance-slb", "active-backup"]),
                    "lacp": st.sampled_from(["active", "passive"]),
                    "bond_updelay": st.just("100"),
                },
            )
        )
        if chosen:
            values["uplinks"] = "+".join(chosen)
        if count < 2:
            for setting in ("bond_mode", "lacp", "bond_updelay"):
                values.pop(setting, None)
        else:
            values.pop("rstp", None)
        switches.append(vswitch(name, values))
    try:
        check_together(switches)
    except BadInput:
        assume(False)
    return tuple(switches)


@st.composite
def nodes(draw: Any) -> Database:
    """A node as others have left it, with guests of ours."""
    database = Database()
    devices = draw(st.permutations(sorted(DEVICES)))
    for name in draw(st.lists(st.sampled_from((*NAMES, "other")), unique=True)):
        bridge(database, name, fail_mode=draw(st.sampled_from([["set", []], "secure"])))
        for _number in range(draw(st.integers(0, 2))):
            count = draw(st.integers(1, 2))
            chosen, devices = devices[:count], devices[count:]
            if not chosen:
                break
            columns: dict[str, Any] = {"bond_mode": "balance-slb"} if draw(st.booleans()) else {}
            label = draw(st.sampled_from(["", f"bond-{name}", f"x-{name}"]))
            if label in {one["name"] for one in database.tables["Port"].values()}:
                label = ""
            port(database, name, *chosen, name=label, **columns)
        if draw(st.booleans()):
            port(database, name, f"tap-{name}", guest=True)
    return database


def guests(database: Database) -> dict[str, dict[str, Any]]:
    """vSwitch -> guests' ports, but for what goes with its MTU and spanning tree."""
    found = database.found()
    with_switch = {"mtu_request", "external_ids", "other_config"}

    def fixed(one: Row) -> dict[str, Any]:
        return {name: value for name, value in one.columns.items() if name not in with_switch}

    return {
        bridge.name: {
            one.name: (fixed(one), {name: fixed(row) for name, row in found.members(one).items()})
            for one in found.ports_of(bridge)
            if found.guest(one)
        }
        for bridge in found.bridges.values()
    }


def wishes(tables: dict[str, dict[str, Any]]) -> Any:
    """Everything but the keys of rows: equal means nothing has changed."""

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            if value[:1] == ["uuid"]:
                return next(
                    f"{table}:{rows[value[1]].get('name')}"
                    for table, rows in tables.items()
                    if value[1] in rows
                )
            if value[:1] in (["set"], ["map"]):
                return sorted(map(repr, map(shown, value[1])))
            return [shown(one) for one in value]
        return value

    return {
        table: sorted(
            repr({name: shown(value) for name, value in one.items() if name != "_uuid"})
            for one in rows.values()
        )
        for table, rows in tables.items()
    }


@settings(max_examples=100, deadline=None)
@given(nodes(), st.lists(documents(), min_size=1, max_size=3))
def test_carried_out_twice_and_undone(
    database: Database, wanted: list[tuple[VSwitch, ...]]
) -> None:
    for switches in wanted:
        was, before = copy.deepcopy(database.tables), database.rows()
        there = guests(database)
        plan = plan_switches(switches, database.found(), HOST)
        if plan.errors:
            continue
        database.carry_out(plan.operations)
        second = plan_switches(switches, database.found(), HOST)
        assert (second.operations, second.changes) == ((), ())
        now = guests(database)
        removed = {name for name in there if f"{name}: removed" in " ".join(lines(plan))}
        for name, ports in there.items():
            if name not in removed:
                assert now[name] == ports
        after = copy.deepcopy(database.tables)
        if wishes(after) != wishes(was):
            assert left(plan.operations, before, database.rows())
        back = undo(plan.operations, before, database.rows())
        database.carry_out(back)
        assert wishes(database.tables) == wishes(was)
        assert left(plan.operations, before, database.rows()) == []
        assert undo(plan.operations, before, database.rows()) == []
        database.tables = after


@settings(max_examples=100, deadline=None)
@given(nodes(), documents())
def test_undone_though_guests_came_and_went(
    database: Database, wanted: tuple[VSwitch, ...]
) -> None:
    plan = plan_switches(wanted, database.found(), HOST)
    assume(not plan.errors)
    before = database.rows()
    database.carry_out(plan.operations)
    both = {b.name for b in before.of(Bridge).values()} & {s.name for s in wanted}
    assume(both)
    name = min(both)
    port(database, name, "tap7", guest=True)
    database.carry_out(undo(plan.operations, before, database.rows()))
    assert "tap7" in guests(database)[name]
    assert left(plan.operations, before, database.rows()) == []


def test_what_was_changed_again_by_hand_stays_and_is_named() -> None:
    """Settings that are not as the change has written them are somebody else's now."""
    database = Database()
    bridge(database, "br0")
    apply(database, switch(uplinks="eth0+eth1", trunks="10"))
    before = database.rows()
    changed = {"trunks": "20", "bond_primary": "eth0", "fail_mode": "secure"}
    plan = apply(database, switch(uplinks="eth0+eth1", **changed))

    def bond() -> dict[str, Any]:
        (row,) = (row for row in database.tables["Port"].values() if row["name"] == "bond-br0")
        return row

    bond()["trunks"] = 30
    bond()["other_config"] = ["map", [["bond-primary", "eth1"]]]
    database.carry_out(undo(plan.operations, before, database.rows()))
    assert (bond()["trunks"], bond()["other_config"]) == (30, ["map", [["bond-primary", "eth1"]]])
    (br0,) = database.tables["Bridge"].values()
    assert br0["fail_mode"] == ["set", []]
    assert left(plan.operations, before, database.rows()) == [
        "bond-br0: trunks", "bond-br0: other_config:bond-primary",
    ]  # fmt: skip
    assert undo(plan.operations, before, database.rows()) == []


def test_a_device_that_somebody_else_has_taken_is_not_taken_back() -> None:
    database = Database()
    bridge(database, "br0")
    bridge(database, "hand")
    apply(database, switch(uplinks="eth0+eth1"))
    before = database.rows()
    plan = apply(database, switch(uplinks="eth0+eth2"))
    port(database, "hand", "eth1")
    # Else it would fail for good: names are unique.
    database.carry_out(undo(plan.operations, before, database.rows()))
    members = {row["name"] for row in database.tables["Interface"].values()}
    assert members == {"br0", "hand", "eth0", "eth1"}
    assert left(plan.operations, before, database.rows()) == ["bond-br0: without eth1"]


def test_rows_that_are_not_whole_are_left_out() -> None:
    """References to rows that were not read, and a port without interfaces: no traceback."""
    database = Database()
    bridge(database, "br0")
    port(database, "br0", "eth0")
    port(database, "br0", "eth1", name="hand")
    tables = database.rows()
    (one,) = tables.of(Bridge).values()
    ports = one.ports | {Uuid("00000000-0000-4000-8000-000000000000")}
    tables["Bridge"][one.uuid] = Bridge({**one.columns, "ports": ports})
    (hand,) = (one for one in tables.of(Port).values() if one.name == "hand")
    tables["Port"][hand.uuid] = Port({**hand.columns, "interfaces": frozenset()})
    found = Current(tables)
    assert [one.name for one in found.ports_of(found.bridges["br0"])] == ["eth0", "hand"]
    plan = plan_switches((switch(uplinks="eth0"),), found, HOST)
    assert (plan.errors, plan.refused) == ((), ())
    assert lines(plan) == ["br0: adopted", "br0: port eth0 adopted"]
