"""Where a frame to all must leave, and which ports it does not leave by."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti_ovs.model.reported import Datapath, Device
from ganeti_ovs.model.rows import Bridge
from ganeti_ovs.plan.current import Current
from ganeti_ovs.plan.flood import blocked, vlans
from tests.unit.simulated import Database
from tests.unit.test_plan_vswitch import bridge, port

UP = Device(1, True, True, 1500)
DATAPATH = Datapath("netdev", {"br0": 1, "a": 2, "b": 3, "c": 4})


def trunks(*found: int) -> list[Any]:
    return ["set", [*found]]


def world(*ports: dict[str, Any], **columns: Any) -> tuple[Current, Bridge]:
    """br0 with ports a, b, … of these columns."""
    database = Database()
    bridge(database, "br0", **columns)
    for name, row in zip("abc", ports, strict=False):
        port(database, "br0", name, **row)
    current = database.found()
    return current, current.bridges["br0"]


def test_vlans() -> None:
    rows: list[dict[str, Any]] = [
        {"vlan_mode": "access", "tag": 10},
        {"vlan_mode": "trunk", "trunks": trunks(30, 20)},
        {"vlan_mode": "native-untagged", "trunks": trunks(40)},
    ]
    assert vlans(*world(*rows)) == (0, 10, 20)
    assert vlans(*world({"tag": 7}, {})) == (0, 7)
    assert vlans(*world()) == ()


@pytest.mark.parametrize("columns", [{"rstp_enable": True}, {"stp_enable": True}])
def test_a_spanning_tree_blocks_rightly(columns: dict[str, Any]) -> None:
    assert vlans(*world({}, **columns)) == ()


def test_the_vswitchs_own_port_is_in_one_vlan() -> None:
    database = Database()
    bridge(database, "br0")
    (row,) = database.tables["Port"].values()
    row["tag"] = 5
    current = database.found()
    assert vlans(current, current.bridges["br0"]) == ()


def test_blocked() -> None:
    current, row = world({"vlan_mode": "access", "tag": 10}, {}, {"vlan_mode": "access", "tag": 20})
    devices = dict.fromkeys("abc", UP)
    good = {0: frozenset({3}), 10: frozenset({2, 3}), 20: frozenset({4})}
    assert blocked(current, row, DATAPATH, good, devices) == ()
    bad = {0: frozenset[int](), 10: frozenset({3}), 20: frozenset({2})}
    assert blocked(current, row, DATAPATH, bad, devices) == ("a", "b", "c")
    assert blocked(current, row, DATAPATH, {10: bad[10]}, devices) == ("a",), "not asked: not known"
    down = {**devices, "a": Device(1, True, False, 1500)}
    assert blocked(current, row, DATAPATH, {10: bad[10]}, down) == ()
    assert blocked(current, row, Datapath("netdev", {}), bad, devices) == ()


def test_bonds_and_tunnels_are_not_asked_for() -> None:
    database = Database()
    bridge(database, "br0")
    port(database, "br0", "a", "b", name="bond0", tag=10)
    port(database, "br0", "c", vlan_mode="dot1q-tunnel", tag=11)
    port(database, "br0", "vx0", tag=12)
    (row,) = (one for one in database.tables["Interface"].values() if one["name"] == "vx0")
    row["type"] = "vxlan"
    current = database.found()
    assert vlans(current, current.bridges["br0"]) == ()
