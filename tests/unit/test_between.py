"""What is odd between nodes, and what got worse, by statuses that are made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ganeti_ovs.master.aftermath import got_worse, look_again, shows_late
from ganeti_ovs.master.survey import Survey
from ganeti_ovs.model.status import NodeStatus, PortSettings, Problem, Severity
from ganeti_ovs.plan.between import differences, named, twice, worse
from ganeti_ovs.plan.changes import Change, Kind
from tests.unit.statuses import error, nic, node, switch, uplink, warning


def with_mtus(name: str, *mtus: int | None) -> NodeStatus:
    uplinks = tuple(uplink(f"e{number}", mtu=mtu) for number, mtu in enumerate(mtus))
    return node(name, switches=(switch(uplinks=uplinks),), nics=())


def lines(*statuses: NodeStatus) -> list[str]:
    return [one.line for one in differences({one.node: one for one in statuses})]


def test_all_well() -> None:
    guest = node("n2", nics=(nic("other.lab", mac="aa:00:77:00:00:02"),))
    assert lines(node("n1"), guest) == []
    assert lines() == []


def test_mtus() -> None:
    assert lines(with_mtus("n1", 9000, 9000), with_mtus("n2", 9000, 1500), with_mtus("n3")) == [
        "br0: the uplinks' MTU is not the same on all nodes: 1500 on n2; 9000 on n1"
    ]
    # What is not known differs from nothing.
    assert lines(with_mtus("n1", 9000), with_mtus("n2", None), with_mtus("n3", None, 1500)) == []


def test_duplicates() -> None:
    assert [one.line for one in twice({"n1": node("n1"), "n2": node("n2")})] == [
        "web1.lab NIC 0: runs on n1, n2: it is being moved, or one guest was left behind"
    ]

    def other(**changes: Any) -> NodeStatus:
        return node("n2", nics=(nic("other.lab", **changes),))

    assert lines(node("n1"), other()) == [
        "br0: several guests have the MAC aa:00:77:00:00:01: other.lab NIC 0 on n2, web1.lab NIC 0"
        " on n1"
    ]
    assert lines(node("n1"), other(actual=PortSettings("br0", "access", ".7"))) == []
    assert lines(node("n1"), other(mac="")) == []


def test_many_nodes_are_counted() -> None:
    assert named(["n3", "n1", "n2"]) == "n1, n2, n3"
    assert named(f"n{number}" for number in range(9)) == "n0, n1, n2 and 6 more"


def test_worse() -> None:
    old, new = error("secure"), error("new")
    assert worse([old], [replace(old, words="in other words"), new]) == [new]
    assert worse([old, new], [old]) == []
    elsewhere = replace(old, subject="br1")
    assert worse([old], [old, elsewhere]) == [elsewhere]
    was = warning()
    now = replace(was, severity=Severity.ERROR)
    assert worse([was], [now, was]) == [now]
    assert worse([now], [was]) == []
    assert worse([], [warning("under-way"), was]) == [was]


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("uplink-gone", "uplink eth1 is gone", "uplink eth2 is gone"),
        ("link-down", "eth1 has no link", "eth2 has no link"),
        ("mtu-refused", "eth1 has an MTU of 1500, not 9000", "eth2 has an MTU of 1500, not 9000"),
        ("vlan-cut", "web1.lab's VLAN 5 does not pass", "web2.lab's VLAN 5 does not pass"),
        ("differs", "differs: mtu 1500 -> 9000", "differs: rstp no -> yes"),
    ],
)
def test_worse_is_each_of_several(kind: str, old: str, new: str) -> None:
    """One device, or guest, that is cut off already does not hide the next one."""
    was, comes = error(kind, old), error(kind, new)
    assert worse([was], [was, comes]) == [comes]
    assert worse([was, comes], [comes]) == []
    assert worse([replace(was, severity=Severity.WARNING)], [was]) == [was]


@pytest.mark.parametrize("kind", ["bond-degraded", "lacp", "rstp-left"])
def test_worse_is_a_list_that_grows(kind: str) -> None:
    def of(*names: str) -> Problem:
        return warning(kind, f"bond-br0 does not use {', '.join(names)}, though it has a link")

    assert worse([of("e1")], [of("e1", "e2")]) == [of("e1", "e2")]
    assert worse([of("e1", "e2")], [of("e2")]) == []
    assert worse([of("e1")], [of("e2")]) == [of("e2")]


def test_nodes_that_fall_silent_are_worse() -> None:
    silent = (error("no-status", subject=""),)
    assert got_worse({"n1": (), "n2": silent}, {"n1": silent, "n2": silent, "n3": ()}) == {
        "n1": [*silent]
    }


def surveyed(*between: Any) -> Survey:
    return Survey({}, {}, {}, between={"cluster": between})


def test_what_is_gone_again_in_time_is_not_said() -> None:
    looks = [surveyed(error()), surveyed()]
    assert look_again(surveyed(), lambda: looks.pop(0)) == {}
    assert look_again(surveyed(), lambda: surveyed(error()), patience=0) == {"cluster": [error()]}


def test_what_comes_late_is_said() -> None:
    """A partner's LACP counts until its time is over, and a NIC may drop its link a bit later."""
    looks = [surveyed(), surveyed(error())]
    assert look_again(surveyed(), lambda: looks.pop(0), 0.01, settle=0.01) == {"cluster": [error()]}
    looks = [surveyed(), surveyed()]
    assert look_again(surveyed(), lambda: looks.pop(0), 1, settle=0.01) == {}
    assert not looks


@pytest.mark.parametrize(
    ("change", "late"),
    [
        (Change(Kind.MADE, "br0"), False),
        (Change(Kind.SET, "br0", "", "rstp", "no", "yes"), False),
        (Change(Kind.SET, "br0", "bond-br0", "trunks", "", "10"), False),
        (Change(Kind.SET, "br0", "bond-br0", "lacp", "off", "active"), True),
        (Change(Kind.SET, "br0", "bond-br0", "bond_mode", "balance-slb", "balance-tcp"), True),
        (Change(Kind.SET, "br0", "eth1", "mtu", "1500", "9000"), True),
        (Change(Kind.PORT_MADE, "br0", "bond-br0", names=("eth1", "eth2")), True),
        (Change(Kind.UPLINK_REMOVED, "br0", "eth2", old="bond-br0"), True),
        (Change(Kind.SAID, "", new="br0: something"), True),
    ],
)
def test_what_shows_late(change: Change, late: bool) -> None:
    assert shows_late([change]) is late
