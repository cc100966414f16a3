"""A node's vSwitches as gnt-ovs show draws them, by statuses that are made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cli.picture import heading, picture
from ganeti_ovs.model.status import BondStatus, NicState, NicStatus, NodeStatus, PortSettings
from tests.unit.statuses import PORT, nic, node, switch, uplink

RATE = replace(PORT, sends=10**9, receives=10**9)
HYBRID = PortSettings("br0", "hybrid", ".2:10:20")


def drawn(status: NodeStatus, width: int | None = None) -> list[str]:
    return [click.unstyle(line) for line in picture(status, status.switches, width)]


def test_all_that_is_in_it() -> None:
    members = (
        uplink("eth1", port="bond-br0", enabled=True),
        uplink("eth2", port="bond-br0", enabled=False, link="no carrier", lacp=False),
    )
    bond = BondStatus("bond-br0", "balance-tcp", "active", negotiated=True)
    br0 = switch(uplinks=members, bonds=(bond,), others=("vnet10", "vnet9"))
    br1 = switch("br1", fail_mode="secure", rstp=True, controllers=("tcp:x",), controlled=False)
    nics = (
        nic(index=10, actual=RATE, wanted=RATE),
        nic(index=9, actual=HYBRID, wanted=HYBRID, state=NicState.DOWN),
        nic("old.lab", 0, wanted=None, state=NicState.STOCK),
        nic("db.lab", 1, actual=replace(PORT, vlan=".7"), state=NicState.DIFFERS),
        nic("gone.lab", 2, actual=None, state=NicState.NO_PORT),
        nic("else.lab", 3, actual=None, wanted=None, state=NicState.UNKNOWN),
    )
    assert drawn(node(switches=(br0, br1), nics=nics)) == [
        "br0  system datapath",
        "├─ bond-br0  bond, balance-tcp, LACP active, negotiated",
        "│  ├─ eth1  link up, enabled, MTU 1500",
        "│  └─ eth2  no carrier, disabled, no LACP from the other side, MTU 1500",
        "├─ tap0      old.lab NIC 0    access  .100                  by Ganeti itself",
        "├─ tap1      db.lab NIC 1     access  .7 (wanted .100)      differs",
        "├─ tap2      gone.lab NIC 2   access  .100                  no-port",
        "├─ tap9      web1.lab NIC 9   hybrid  .2:10:20              down",
        "├─ tap10     web1.lab NIC 10  access  .100              1G  up",
        "├─ vnet9     not ours",
        "└─ vnet10    not ours",
        "br1  system datapath, fail mode secure, controller not connected, RSTP",
        "└─ eth1  uplink, link up, MTU 1500",
        "on no vSwitch",
        "└─ tap3  else.lab NIC 3  -  -    unknown",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "br0  system datapath"),
        ({"there": False}, "br0  not there"),
        ({"works": False}, "br0  system datapath that does not work"),
        ({"trunks": (10, 20)}, "br0  system datapath, uplink's VLANs 10,20"),
        ({"trunks": (5, 6, 10, 11, 12)}, "br0  system datapath, uplink's VLANs 5,6,10-12"),
        ({"wanted": None}, "br0  system datapath, not kept by Ganeti"),
        ({"controllers": ("tcp:x",)}, "br0  system datapath, controller unknown"),
    ],
)
def test_heading(changes: dict[str, Any], words: str) -> None:
    assert click.unstyle(heading(switch(**changes))) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"error": "could not open network device eth1"}, "could not open network device eth1"),
        ({"ofport": -1, "link": "", "mtu": None}, "uplink, not taken by ovs-vswitchd"),
        ({"link": "gone", "mtu": None}, "uplink, gone"),
    ],
)
def test_an_uplink(changes: dict[str, Any], words: str) -> None:
    lines = drawn(node(switches=(switch(uplinks=(uplink(**changes),)),), nics=()))
    assert words in lines[1]


def test_long_names_are_cut_where_there_is_no_room() -> None:
    long = nic("a-long-name-of-a-guest.customers.example.com", 3, actual=RATE, wanted=RATE)
    wide, narrow = drawn(node(nics=(long,))), drawn(node(nics=(long,)), 80)
    assert "a-long-name-of-a-guest.customers.example.com NIC 3" in wide[2]
    assert narrow[2] == (
        "└─ tap3  a-long-name-of-a-guest.customers.example.c… NIC 3  access  .100  1G  up"
    )


def many_vlans(state: NicState, name: str, vlan: str) -> NicStatus:
    settings = PortSettings("br0", "trunk", vlan)
    return nic(name, actual=settings, wanted=PORT, state=state)


@given(
    st.lists(
        st.builds(
            many_vlans,
            st.sampled_from([*NicState]),
            st.text("abc.", min_size=1, max_size=90),
            st.text(":0123", max_size=300),
        ),
        max_size=4,
    )
)
def test_one_line_a_nic_at_80_columns(nics: list[NicStatus]) -> None:
    lines = drawn(node(nics=tuple(nics)), 80)
    assert len(lines) == 2 + len(nics)
    assert all(len(line) <= 80 for line in lines), lines
