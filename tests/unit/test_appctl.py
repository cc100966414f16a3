"""What ovs-vswitchd answers as text: as Open vSwitch 3.1 writes it, and as nobody does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.reported import Bond, Datapath, Entry
from ganeti_ovs.ovsdb import appctl

DPIF = """\
netdev@ovs-netdev: hit:16 missed:7
  br0:
    br0 65534/1: (tap)
    e0 2/6: (system)
    vx0 7/4: (vxlan: key=5, remote_ip=10.0.0.2)
  br1:
    br1 65534/2: (tap)
system@ovs-system: hit:0 missed:0
  br2:
    br2 65534/1: (internal)
"""
BONDS = """\
---- peer ----
bond_mode: balance-tcp
bond may use recirculation: yes, Recirc-ID : 1
lacp_status: negotiated
active-backup primary: <none>
active member mac: ee:fd:0d:06:44:ba(p0)

member p0: enabled
  active member
  may_enable: true

member p1: disabled
  updelay expires in 29485 ms
  may_enable: true

---- old ----
lacp_status: configured
slave e0: disabled
  may_enable: false
slave e1: enabled
  active slave
"""
FDB = """\
 port  VLAN  MAC                Age
    3     0  aa:00:00:00:00:01    0
LOCAL    10  AA:00:00:00:00:02  299
   12  4094  aa:00:00:00:00:03  static
"""
TRACE = """\
Flow: in_port=LOCAL,vlan_tci=0x0000

bridge("br3")
-------------
 0. priority 0
    NORMAL
     -> no learned MAC for destination, flooding

Final flow: unchanged
Datapath actions: """


def test_datapaths() -> None:
    assert appctl.datapaths(DPIF) == {
        "br0": Datapath("netdev", {"br0": 1, "e0": 6, "vx0": 4}),
        "br1": Datapath("netdev", {"br1": 2}),
        "br2": Datapath("system", {"br2": 1}),
    }
    assert appctl.datapaths("") == {}


def test_bonds() -> None:
    assert appctl.bonds(BONDS) == {
        "peer": Bond({"p0": True, "p1": False}, frozenset({"p1"}), "p0", True),
        "old": Bond({"e0": False, "e1": True}, frozenset(), "e1", False),
    }
    assert appctl.bonds("") == {}


def test_learned() -> None:
    assert appctl.learned(FDB) == (
        Entry(3, 0, "aa:00:00:00:00:01"),
        Entry(65534, 10, "aa:00:00:00:00:02"),
        Entry(12, 4094, "aa:00:00:00:00:03"),
    )


def test_version() -> None:
    assert appctl.version("ovs-vswitchd (Open vSwitch) 3.1.0\nDPDK 22.11.5\n") == "3.1.0"
    assert appctl.version("Welcome") == ""


def test_flooded() -> None:
    assert appctl.flooded(TRACE + "drop\n") == frozenset()
    actions = "push_vlan(vid=10,pcp=0),9,pop_vlan,10,hash(hash_l4(0)),recirc(0x1)"
    assert appctl.flooded(TRACE + actions) == frozenset({9, 10})
    assert appctl.flooded("Flow: in_port=1\nDatapath actions: drop") is None
    assert appctl.flooded("flooding") is None


HIDDEN = "table_id=254, duration=1s, n_packets=0, n_bytes=0, priority=0,reg0=0x2,actions=drop"


def flows(*said: str) -> str:
    """Of bridge/dump-flows: `priority=5,arp,actions=drop`."""
    lines = [f"duration=1s, n_packets=0, n_bytes=0, {one}" for one in said]
    return "\n".join([*lines, HIDDEN, ""])


NORMAL, DROP = "priority=0,actions=NORMAL", "priority=65535,actions=drop"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (flows(NORMAL), None),
        (flows(), 0),
        (flows(NORMAL, DROP), 2),
        (flows(",actions=drop"), 1),
        (flows(",actions=drop", NORMAL), 2),
        (flows(",actions=drop", "priority=40000,actions=NORMAL"), None),
        (flows(",actions=drop", ",actions=NORMAL"), None),
        (flows(DROP.replace(",a", ",arp,a"), NORMAL), None),
        (flows("priority=9,arp,in_port=1,actions=drop"), 1),
        ("table_id=3, " + flows(NORMAL), 0),
        (
            flows(NORMAL.replace("priority", "importance"), DROP) + "and a line of another form",
            None,
        ),
        ("", None),
    ],
)
def test_flows_that_drop_all_that_comes(text: str, number: int | None) -> None:
    assert appctl.dropping(text) == number


def test_dropped() -> None:
    """By flows; where the vSwitch itself has nobody to send it to, that is no fault."""
    rule = "\n 0. No match.\n    drop\n\nFinal flow: unchanged\nDatapath actions: drop\n"
    assert appctl.dropped(rule)
    assert not appctl.dropped(TRACE + "drop\n")
    assert not appctl.dropped(rule.replace("No match.\n    drop", "priority 0\n    NORMAL"))
    assert not appctl.dropped(rule.replace(": drop", ": 5"))


@given(st.text(), st.sampled_from([DPIF, BONDS, FDB, TRACE, flows(NORMAL)]), st.data())
def test_nothing_is_too_odd(odd: str, text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    for said in (odd, text[:at] + odd + text[at:], text[at:], text[:at]):
        for parse in (
            appctl.datapaths, appctl.bonds, appctl.learned, appctl.version, appctl.flooded,
            appctl.dropped, appctl.dropping
        ):  # fmt: skip
            parse(said)
