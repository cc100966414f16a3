"""Settings of a vSwitch: text in, checked values out, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.model.vswitch import (
    Bond,
    VSwitch,
    bond_name,
    check_together,
    settings_of,
    vswitch,
)

BOND_MODES = ("active-backup", "balance-slb", "balance-tcp")
LACP = ("off", "passive", "active")
LACP_TIMES = ("slow", "fast")

BONDED = {"uplinks": "eth1+eth2"}
TCP = {**BONDED, "bond_mode": "balance-tcp", "lacp": "active"}

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=15).filter(
    lambda name: name not in (".", "..") and name[0] != "-"
)


@st.composite
def switches(draw: st.DrawFn) -> VSwitch:
    """Any valid vSwitch."""
    devices = draw(st.lists(names, unique=True, max_size=4))
    name = draw(names.filter(lambda n: n not in devices and bond_name(n) not in devices))
    bond, rstp = None, draw(st.booleans())
    if len(devices) > 1:
        rstp = False
        mode = draw(st.sampled_from(BOND_MODES))
        lacp = draw(st.sampled_from([w for w in LACP if w != "off" or mode != "balance-tcp"]))
        backup = mode == "active-backup"
        bond = Bond(
            mode=mode,
            lacp=lacp,
            lacp_time=draw(st.sampled_from(LACP_TIMES if lacp != "off" else ("slow",))),
            lacp_fallback=draw(st.booleans()) if lacp != "off" else False,
            updelay=draw(st.integers(0, 10_000)),
            downdelay=draw(st.integers(0, 10_000)),
            primary=draw(st.sampled_from(["", *devices])) if backup else "",
            rebalance_interval=None if backup else draw(st.sampled_from([None, 0, 1000, 20_000])),
        )
    return VSwitch(
        name,
        tuple(devices),
        bond,
        trunks=tuple(sorted(draw(st.sets(st.integers(1, 4094), max_size=5)))),
        mtu=draw(st.none() | st.integers(68, 65535)),
        datapath_type=draw(st.sampled_from(("system", "netdev"))),
        fail_mode=draw(st.sampled_from(("standalone", "secure"))),
        rstp=rstp,
        mcast_snooping=draw(st.booleans()),
    )


@given(switches())
def test_round_trip(switch: VSwitch) -> None:
    settings = settings_of(switch)
    assert vswitch(switch.name, settings) == switch
    # As tags: no value is empty, and all of Ganeti's tag characters.
    for text in settings.values():
        assert text
        assert not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789._-+")


@given(st.text(max_size=20), st.dictionaries(st.sampled_from([*SETTINGS]), st.text(max_size=12)))
def test_nothing_but_bad_input(name: str, settings: dict[str, str]) -> None:
    try:
        vswitch(name, settings)
    except BadInput as err:
        assert str(err).isascii()
        assert "\n" not in str(err)


def test_defaults() -> None:
    assert vswitch("br0", {}) == VSwitch("br0")
    assert vswitch("br0", {"uplinks": "eth1"}).bond is None
    assert vswitch("br0", BONDED).bond == Bond()
    assert settings_of(vswitch("br0", BONDED)) == BONDED


def test_said_to_have_the_default() -> None:
    """It is kept, as on an adopted bridge it clears what somebody else has set."""
    said = {**BONDED, "lacp": "off", "rstp": "no", "mtu": "", "trunks": ""}
    switch = vswitch("br0", said)
    assert switch.cleared == {"lacp", "rstp", "mtu", "trunks"}
    assert settings_of(switch) == said
    assert vswitch("br0", settings_of(switch)) == switch
    assert (switch.rstp, switch.mtu, switch.trunks, switch.bond) == (False, None, (), Bond())
    for wrong in ({"uplinks": ""}, {"rstp": ""}, {"lacp": ""}):
        with pytest.raises(BadInput):
            vswitch("br0", {**BONDED, **wrong})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bridge": "x"}, "there is no setting 'bridge': uplinks, bond_mode"),
        ({"uplinks": ""}, "uplinks is empty"),
        ({"uplinks": "eth1+eth1"}, "uplinks: eth1 stands there twice"),
        ({"uplinks": "eth1+"}, "uplinks is empty"),
        ({"uplinks": "eth1;reboot"}, "uplinks 'eth1;reboot' is no interface name"),
        ({"uplinks": "a-name-that-is-too-long"}, "is longer than 15 characters"),
        ({"uplinks": "eth1+br-data"}, "it has the name of its own uplink"),
        ({"uplinks": "eth1+bond-br-data"}, "its bond gets the name bond-br-data"),
        ({"uplinks": "eth1", "bond_mode": "active-backup"}, "bond_mode is for a bond"),
        ({"lacp": "active"}, "lacp is for a bond, which takes two uplinks or more"),
        ({**BONDED, "bond_mode": "802.3ad"}, "bond_mode '802.3ad' is none of active-backup"),
        ({**BONDED, "bond_mode": "balance-tcp"}, "balance-tcp needs lacp active or passive"),
        ({**BONDED, "lacp": "on"}, "lacp 'on' is none of off, passive, active"),
        ({**BONDED, "lacp_time": "fast"}, "lacp_time is nothing without lacp"),
        ({**BONDED, "lacp_fallback": "yes"}, "lacp_fallback is nothing without lacp"),
        ({**BONDED, "bond_primary": "eth3"}, "bond_primary eth3 is none of its uplinks"),
        ({**TCP, "bond_primary": "eth1"}, "bond_primary is for active-backup, not balance-tcp"),
        ({**BONDED, "bond_rebalance_interval": "5000"}, "is for balance-slb and balance-tcp"),
        ({**TCP, "bond_rebalance_interval": "999"}, "999 is neither 0 (never) nor 1000-3600000 ms"),
        ({**BONDED, "bond_updelay": "-1"}, "bond_updelay '-1' is no number"),
        ({**BONDED, "bond_downdelay": "3600001"}, "is not in 0-3600000 ms"),
        ({**BONDED, "rstp": "yes"}, "rstp cannot include a bond"),
        ({"trunks": "0"}, "VLAN ID 0 is not in 1-4094"),
        ({"trunks": "10+4095"}, "VLAN ID 4095 is not in 1-4094"),
        ({"trunks": "10,20"}, "trunks: VLAN ID '10,20' is no number"),
        ({"trunks": "10+10"}, "trunks: VLAN 10 stands there twice"),
        ({"mtu": "67"}, "mtu 67 is not in 68-65535 bytes"),
        ({"mtu": "65536"}, "mtu 65536 is not in 68-65535 bytes"),
        ({"datapath_type": "dpdk"}, "datapath_type 'dpdk' is none of system, netdev"),
        ({"fail_mode": "open"}, "fail_mode 'open' is none of standalone, secure"),
        ({"mcast_snooping": "true"}, "mcast_snooping 'true' is neither yes nor no"),
    ],
)
def test_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        vswitch("br-data", settings)
    assert str(caught.value).startswith("vSwitch br-data: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "a name", "a-name-that-is-too-long", "-br", "br0;x", "..", "brü"]
)
def test_names_refused(name: str) -> None:
    with pytest.raises(BadInput, match="the vSwitch's name"):
        vswitch(name, {})


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (VSwitch("br0", ("eth1",)), VSwitch("br1", ("eth1",)), "eth1"),
        (VSwitch("br0", ("br1",)), VSwitch("br1"), "br1"),
        (VSwitch("br1"), VSwitch("br1"), "br1"),
        (VSwitch("br0", ("a", "b"), Bond()), VSwitch("br1", ("bond-br0",)), "bond-br0"),
        (
            VSwitch("averylongname-1", ("a", "b"), Bond()),
            VSwitch("averylongname-2", ("c", "d"), Bond()),
            "bond-averylongn",
        ),
    ],
)
def test_cannot_be_together(one: VSwitch, other: VSwitch, what: str) -> None:
    check_together([one])
    check_together([other])
    with pytest.raises(BadInput, match=f"{one.name} and {other.name} both claim {what}"):
        check_together([one, other])
