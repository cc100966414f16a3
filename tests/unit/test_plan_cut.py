"""Changes that would cut guests off are refused, with the guests' names, and made when forced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ganeti_ovs.plan.cut import named
from ganeti_ovs.plan.vswitch import plan_switches
from tests.unit.simulated import Database
from tests.unit.test_plan_vswitch import HOST, apply, bridge, lines, port, row, switch

if TYPE_CHECKING:
    from ganeti_ovs.plan.current import Host

TAP0, TAP1 = "tap0 (inst1.lab, NIC 0)", "tap1 (inst1.lab, NIC 0)"


def node(uplinks: str = "eth0", **settings: str) -> Database:
    """br0 with these uplinks; tap0 is in VLAN 10, tap1 in the untagged network."""
    database = Database()
    values = {"uplinks": uplinks} if uplinks else {}
    apply(database, switch(**values, **settings))
    port(database, "br0", "tap0", guest=True, vlan_mode="access", tag=10)
    port(database, "br0", "tap1", guest=True, vlan_mode="access")
    return database


def refused(database: Database, **settings: str) -> list[str]:
    return refused_on(HOST, {}, database, **settings)


def refused_on(
    host: Host, running: dict[str, str], database: Database, **settings: str
) -> list[str]:
    plan = plan_switches((switch(**settings),), database.found(running), host)
    assert not (plan.errors or plan.devices)
    return [*plan.refused]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"uplinks": "eth0"}, []),
        ({"uplinks": "eth0", "trunks": "10"}, [
            f"br0: trunks would cut off the untagged network of {TAP1}"]),
        ({"uplinks": "eth0", "trunks": "20"}, [
            f"br0: trunks would cut off VLAN 10 of {TAP0} and 1 more"]),
        ({"uplinks": "eth1"}, []),
        ({"uplinks": "eth1+eth2"}, []),
        ({}, [f"br0: without an uplink, {TAP0}, {TAP1} would reach nothing outside"]),
        ({"uplinks": "eth0", "fail_mode": "secure"}, [
            f"br0: fail_mode secure without a controller would cut off {TAP0}, {TAP1}"]),
    ],
)  # fmt: skip
def test_of_guests(settings: dict[str, str], words: list[str]) -> None:
    assert refused(node(), **settings) == words


def test_who_was_cut_off_before_is_not_counted() -> None:
    database = node(trunks="20")
    assert refused(database, uplinks="eth0", trunks="30") == []
    assert refused(database) == []
    assert refused(node(""), trunks="30") == []
    database = node(fail_mode="secure")
    assert refused(database, uplinks="eth0", fail_mode="secure", mcast_snooping="yes") == []


def test_only_what_is_lost() -> None:
    database = node(trunks="10+20")
    assert refused(database, uplinks="eth0", trunks="10") == []
    assert refused(database, uplinks="eth0", trunks="20+30") == [
        f"br0: trunks would cut off VLAN 10 of {TAP0}"
    ]
    assert refused(database, uplinks="eth0") == []


def test_every_kind_of_port() -> None:
    """Hybrid, trunk of some VLANs, and of all."""
    hybrid = {"vlan_mode": "native-untagged", "tag": 5, "trunks": ["set", [6, 7]]}
    kinds: list[tuple[dict[str, Any], list[str]]] = [
        (hybrid, ["VLAN 5 of", "VLAN 6 of", "VLAN 7 of"]),
        ({"vlan_mode": "trunk", "trunks": ["set", [6, 10]]}, ["VLAN 6 of"]),
        ({"vlan_mode": "trunk"}, ["4094 VLANs of"]),
        ({"tag": 5}, ["VLAN 5 of"]),
    ]
    for columns, words in kinds:
        database = Database()
        apply(database, switch(uplinks="eth0"))
        port(database, "br0", "tap0", guest=True, **columns)
        lost = named([f"{one} {TAP0}" for one in words])
        assert refused(database, uplinks="eth0", trunks="10") == [
            f"br0: trunks would cut off {lost}"
        ]


def test_other_ways_outside_count() -> None:
    """A port that somebody else has put there, but not one of the node's own."""
    database = node()
    port(database, "br0", "mgmt0")
    row(database, "Interface", "mgmt0")["type"] = "internal"
    assert len(refused(database)) == 1
    port(database, "br0", "vxlan0")
    row(database, "Interface", "vxlan0")["type"] = "vxlan"
    assert refused(database) == []


def test_what_is_no_way_outside() -> None:
    """A tap that nobody knows, a container, a device that is gone, where a mirror's copies go."""
    database = node()
    inside = frozenset({"tap7", "veth7"})
    host = replace(HOST, devices=HOST.devices | inside, inside=inside)
    for name in ("tap7", "veth7", "tap8", "eth5"):
        port(database, "br0", name)
    output = row(database, "Port", "eth5")["_uuid"]
    database.transact(
        [{"op": "insert", "table": "Mirror", "uuid-name": "m",
          "row": {"name": "m0", "output_port": output}},
         {"op": "update", "table": "Bridge", "where": [],
          "row": {"mirrors": ["named-uuid", "m"]}}]
    )  # fmt: skip
    lost = f"br0: without an uplink, {TAP0}, {TAP1} would reach nothing outside"
    assert refused_on(host, {}, database) == [lost]
    assert len(refused_on(host, {}, database, uplinks="eth0", trunks="20")) == 1
    # A device of the node may be somebody's uplink.
    port(database, "br0", "eth4")
    assert refused_on(host, {}, database) == []


def test_guests_that_stock_has_attached() -> None:
    """Their ports are not ours: they count as guests, never as a way outside."""
    database = Database()
    apply(database, switch(uplinks="eth0", rstp="no"))
    port(database, "br0", "tap5", tag=10)
    port(database, "br0", "tap6")
    row(database, "Interface", "tap5")["mtu"] = 1500
    guests = {"tap5": "web.lab", "tap6": "db.lab"}
    tap5, tap6 = "tap5 (web.lab)", "tap6 (db.lab)"
    host = replace(HOST, devices=HOST.devices | {*guests})
    assert refused_on(host, guests, database) == [
        f"br0: without an uplink, {tap5}, {tap6} would reach nothing outside"
    ]
    assert refused_on(host, guests, database, uplinks="eth0", trunks="20") == [
        f"br0: trunks would cut off VLAN 10 of {tap5}, 4094 VLANs of {tap6}"
    ]
    assert refused_on(host, guests, database, uplinks="eth0", fail_mode="secure") == [
        f"br0: fail_mode secure without a controller would cut off {tap5}, {tap6}"
    ]
    assert refused_on(host, guests, database, uplinks="eth0", mtu="1400") == [
        f"br0: mtu 1400 is below that of {tap5}"
    ]
    # They are not changed for all that.
    wanted = switch(uplinks="eth0", rstp="yes")
    plan = plan_switches((wanted,), database.found(guests), host)
    ports = {row(database, table, name)["_uuid"][1]
             for table in ("Port", "Interface") for name in guests}  # fmt: skip
    assert plan.operations
    touched = [getattr(one, "where", None) for one in plan.operations]
    assert not {one.value for one in touched if one} & ports
    (tap,) = plan_switches((), database.found(guests), host).refused
    assert tap == f"br0 is used by {tap5}, {tap6}"


def test_an_uplink_that_another_vswitch_takes() -> None:
    database = node()
    wanted = switch("br0"), switch("br1", uplinks="eth0")
    plan = plan_switches(wanted, database.found(), HOST)
    assert [*plan.refused] == [
        f"br0: without an uplink, {TAP0}, {TAP1} would reach nothing outside"
    ]
    # Also from a bridge that is none of ours.
    database = Database()
    bridge(database, "theirs")
    port(database, "theirs", "eth0")
    port(database, "theirs", "tap0", guest=True, vlan_mode="access")
    plan = plan_switches((switch("br1", uplinks="eth0"),), database.found(), HOST)
    assert [*plan.refused] == [
        "br1: eth0 is on vSwitch theirs already",
        f"theirs: without an uplink, {TAP0} would reach nothing outside",
    ]


def test_the_last_uplink_with_a_link() -> None:
    database = node("eth0+eth1")
    for name, link in (("eth0", "up"), ("eth1", "down")):
        row(database, "Interface", name)["link_state"] = link
    assert refused(database, uplinks="eth0") == []
    assert refused(database, uplinks="eth1") == [
        f"br0: eth1 has no link, which would cut off {TAP0}, {TAP1}"
    ]
    # Of a device that was no uplink nothing is known yet, as long as it is not set up.
    assert refused(database, uplinks="eth1+eth2") == []
    dead = "no link, which would cut off"
    host = replace(HOST, links={"eth2": False})
    assert refused_on(host, {}, database, uplinks="eth2") == [
        f"br0: eth2 has {dead} {TAP0}, {TAP1}"
    ]
    assert refused_on(host, {}, database, uplinks="eth1+eth2") == [
        f"br0: eth1, eth2 has {dead} {TAP0}, {TAP1}"
    ]
    assert refused_on(host, {}, database, uplinks="eth2+eth3") == []
    assert refused_on(replace(HOST, links={"eth2": True}), {}, database, uplinks="eth2") == []


def test_a_controller() -> None:
    database = node()
    secure = {"uplinks": "eth0", "fail_mode": "secure"}
    database.transact(
        [{"op": "insert", "table": "Controller", "uuid-name": "c",
          "row": {"target": "tcp:1.2.3.4"}},
         {"op": "update", "table": "Bridge", "where": [],
          "row": {"controller": ["named-uuid", "c"]}}]
    )  # fmt: skip
    assert refused(database, **secure) == [
        f"br0: fail_mode secure whose controller is not connected would cut off {TAP0}, {TAP1}"
    ]
    (controller,) = database.tables["Controller"].values()
    controller["is_connected"] = True
    assert refused(database, **secure) == []


def test_a_datapath_type_that_is_not_there() -> None:
    database = node()
    netdev = {"uplinks": "eth0", "datapath_type": "netdev"}
    assert refused(database, **netdev) == []  # ovs-vswitchd has not said.
    (root,) = database.tables["Open_vSwitch"].values()
    root["datapath_types"] = "system"
    assert refused(database, **netdev) == [
        f"br0: ovs-vswitchd has no datapath type netdev, which would cut off {TAP0}, {TAP1}"
    ]
    plan = plan_switches((switch("br1", datapath_type="netdev"),), database.found(), HOST)
    assert "br1: ovs-vswitchd has no datapath type netdev" in plan.refused
    root["datapath_types"] = ["set", ["netdev", "system"]]
    assert refused(database, **netdev) == []


def test_names_fit_into_a_line() -> None:
    names = [f"tap{n} (inst{n}.example.com, NIC 0)" for n in range(40)]
    assert named(names) == f"{names[0]}, {names[1]} and 38 more"
    assert named(names[:1]) == names[0]
    assert named(["x" * 90, "y"]) == "x" * 90 + " and 1 more"


def test_what_an_adopted_bridge_loses() -> None:
    database = Database()
    bridge(database, "br0", fail_mode="secure", other_config=["map", [["hwaddr", "02:0:0:0:0:1"]]])
    apply(database, switch("br0", mcast_snooping="yes"), switch("br1"))
    database.transact(
        [{"op": "insert", "table": "Mirror", "uuid-name": "m", "row": {"name": "m0"}},
         {"op": "update", "table": "Bridge",
          "where": [["_uuid", "==", row(database, "Bridge", "br0")["_uuid"]]],
          "row": {"mirrors": ["named-uuid", "m"]}}]
    )  # fmt: skip
    plan = plan_switches((), database.found(), HOST)
    assert [*plan.warnings] == [
        "br0 was there before ganeti-ovs, and goes, with fail_mode secure, other_config:hwaddr,"
        " mirrors"
    ]
    assert lines(plan) == ["br0: removed", "br1: removed"]
