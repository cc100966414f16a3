"""What is said of vSwitches that are as wanted, but not well."""

from __future__ import annotations

from typing import Any

from ganeti_ovs.plan.health import failures, oddities


def member(**changes: Any) -> dict[str, Any]:
    good = {"link": "up", "mtu": 1500, "mtu_request": None, "ofport": 1, "error": None,
            "lacp_current": None}  # fmt: skip
    return {**good, **changes}


def switch(e0: Any, e1: Any, bond: Any = None, **changes: Any) -> dict[str, Any]:
    bond = bond or {"mode": "active-backup", "lacp": "off", "negotiated": None, "active": "e0"}
    port = {"members": {"e0": e0, "e1": e1}, "trunks": [], "bond": bond}
    return {"ports": {"bond-sw": port}, "guest_mtu": None, "cut": [], **changes}


def test_all_well() -> None:
    state = {"sw": switch(member(), member(), guest_mtu=1500), "alone": {
        "ports": {}, "guest_mtu": 9000, "cut": []}}  # fmt: skip
    assert oddities(state) == []
    assert failures(state) == []


def test_links() -> None:
    down = member(link="down")
    assert oddities({"sw": switch(member(), down)}) == ["sw: e1 has no link"]
    assert oddities({"sw": switch(down, down)}) == ["sw: no uplink has a link: e0, e1"]


def test_lacp() -> None:
    bond = {"mode": "balance-tcp", "lacp": "active", "negotiated": False, "active": None}
    heard, silent = member(lacp_current=True), member(lacp_current=False)
    assert oddities({"sw": switch(heard, silent, bond)}) == [
        "sw: bond-sw: the other side of e1 speaks no LACP"
    ]
    # What has no link cannot hear: one line is enough.
    gone = member(lacp_current=False, link="down")
    assert oddities({"sw": switch(heard, gone, bond)}) == ["sw: e1 has no link"]
    both = {**bond, "negotiated": True}
    assert oddities({"sw": switch(heard, heard, both)}) == []


def test_mtus() -> None:
    small, asked = member(mtu=1400), member(mtu=1500, mtu_request=9000)
    assert oddities({"sw": switch(member(), small, guest_mtu=1400)}) == [
        "sw: uplinks of different MTU: e0 1500, e1 1400"
    ]
    assert oddities({"sw": switch(asked, asked)}) == [
        "sw: e0 has an MTU of 1500, not 9000",
        "sw: e1 has an MTU of 1500, not 9000",
    ]
    assert oddities({"sw": switch(small, small, guest_mtu=1500)}) == [
        "sw: a guest's port has an MTU of 1500, the uplink's is only 1400"
    ]
    unknown = member(mtu=None)
    assert oddities({"sw": switch(unknown, unknown, guest_mtu=1500)}) == []


def test_what_does_not_work() -> None:
    state = {"sw": switch(member(error="no such device", ofport=-1), member(ofport=None))}
    assert failures(state) == [
        "sw: ovs-vswitchd refuses e0: no such device",
        "sw: ovs-vswitchd has not taken e1; see its log",
    ]


def test_vlans_that_do_not_pass() -> None:
    state = {"sw": switch(member(), member(), cut=["VLAN 7 of tap0 (a.lab, NIC 0)"])}
    assert oddities(state) == [
        "sw: VLAN 7 of tap0 (a.lab, NIC 0) does not pass the uplink (trunks)"
    ]
