"""A learning physical switch knows by which cable guests are reached, whatever a bond does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ganeti_ovs.linux.rarp import rarp
from ganeti_ovs.node.announce import announce
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from tests.ovs.nodeapply import Node, answer
from tests.ovs.support import environ, said
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.tap import Tap

MACS = [bytes([2, 0, 0, 0, 1, number]) for number in range(8)]
"""Stations behind the guest's port; balance-slb spreads them over both cables."""
STEPS: list[dict[str, str]] = [
    {"bond_mode": "balance-slb"},
    {},
    {"uplinks": "e1"},
    {},
    {"uplinks": "e0"},
    {"bond_primary": "e1"},
    {"bond_mode": "balance-slb"},
    {"uplinks": "e1"},
]


@pytest.fixture
def tap(ovs: OpenVSwitch, product: Product) -> Iterator[Tap]:
    """A guest on br0 in VLAN 10; cables e0-p0 and e1-p1 to the physical switch `phys`."""
    run("ip", "link", "add", "phys", "type", "bridge")
    run("ip", "link", "set", "phys", "up")
    for number in (0, 1):
        run("ip", "link", "add", f"e{number}", "type", "veth", "peer", "name", f"p{number}")
        run("ip", "link", "set", f"p{number}", "master", "phys", "up")
    with Tap("tap0") as guest:
        done = product.run(environ(ovs, VLAN=".10"))
        assert (done.returncode, said(done.stderr)) == (0, "")
        yield guest
    for name in ("e0", "e1", "phys"):
        run("ip", "link", "del", name)


def cables() -> set[str]:
    """The cables by which the physical switch would send to the stations; it knows them all."""
    found = learned()
    assert len(found) == len(MACS)
    return set(found.values())


def learned() -> dict[str, str]:
    """Those stations that the physical switch knows -> the cable by which it would send."""
    lines = [line.split() for line in run("bridge", "fdb", "show", "br", "phys").splitlines()]
    macs = {":".join(f"{byte:02x}" for byte in mac) for mac in MACS}
    return {line[0]: line[2] for line in lines if line[0] in macs}


def used(ovs: OpenVSwitch, settings: dict[str, str]) -> str:
    """The cable that frames go out by, as Open vSwitch says."""
    if "uplinks" in settings:
        return settings["uplinks"].replace("e", "p")
    active = re.search(r"member e(\d): enabled\n +active member\n", ovs.appctl("bond/show"))
    assert active
    return f"p{active.group(1)}"


def talk(ovs: OpenVSwitch, guest: Tap) -> None:
    """All stations send something, until both switches know them all: the flows of what was
    sent before learn only when they are looked at, twice a second."""
    (number,) = (row["ofport"][0] for row in ovs.rows("Interface") if row["name"] == "tap0")

    def known() -> bool:
        for mac in MACS:
            guest.send(rarp(mac, 0))
        ours, theirs = ovs.appctl("fdb/show", "br0"), run("bridge", "fdb", "show", "br", "phys")
        return all(
            f"{mac[5]:02x} dev p" in theirs
            and re.search(rf"^ +{number} +10 +02:00:00:00:01:{mac[5]:02x} ", ours, re.MULTILINE)
            for mac in MACS
        )

    wait_until(known, "the stations")


def wish(settings: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"br0": {"datapath_type": "netdev", "uplinks": "e0+e1", **settings}}


def test_after_every_change(ovs: OpenVSwitch, product: Product, tap: Tap) -> None:
    node = Node(ovs, product)
    node.run(wish({}))
    talk(ovs, tap)
    for settings in STEPS:
        node.run(wish(settings))
        if "balance-slb" in settings.values():
            both = time.monotonic() + 10
            while cables() != {"p0", "p1"} and time.monotonic() < both:
                talk(ovs, tap)
            assert cables() == {"p0", "p1"}
        else:
            assert cables() == {used(ovs, settings)}, settings
            talk(ovs, tap)
            assert cables() == {used(ovs, settings)}, settings


@pytest.mark.parametrize("end", ["time", "KILL"])
def test_after_a_change_that_is_taken_back(
    end: str, ovs: OpenVSwitch, product: Product, tap: Tap
) -> None:
    node = Node(ovs, product)
    node.run(wish({"uplinks": "e0"}))
    talk(ovs, tap)
    with node.start(
        wish({"uplinks": "e1"}), "--confirm", "1" if end == "time" else "30"
    ) as process:
        assert answer(process)["applied"] is True
        assert cables() == {"p1"}
        if end == "KILL":
            process.kill()
        process.communicate()
    # In between, a cable that has gone takes with it what was learned by it.
    wait_until(lambda: [*learned().values()] == ["p0"] * len(MACS), "the old cable")


def heard(tap: Tap) -> list[tuple[str, int]]:
    """(MAC, VLAN) of the RARPs that have gone out by this uplink."""
    found = []
    for frame in tap.received():
        tagged = frame[12:14] == b"\x81\x00"
        if frame[16 if tagged else 12 :][:2] == b"\x80\x35":
            vlan = int.from_bytes(frame[14:16], "big") & 0xFFF if tagged else 0
            found.append((":".join(f"{byte:02x}" for byte in frame[6:12]), vlan))
    return found


def test_each_guest_twice_and_only_in_vlans_that_pass(ovs: OpenVSwitch, product: Product) -> None:
    """Before and after the old flows have gone; the uplink's trunks keep the others back."""
    node = Node(ovs, product)
    with ExitStack() as stack:
        taps = {n: stack.enter_context(Tap(n)) for n in ("e0", "e1", "tap0", "tap1")}
        macs = {"tap0": "02:00:00:00:02:01", "tap1": "02:00:00:00:02:02"}
        for number, (name, vlan) in enumerate((("tap0", ".10"), ("tap1", ".20"))):
            uuid = f"{number}0000000-0000-4000-8000-000000000000"
            nic = environ(ovs, name, VLAN=vlan, MAC=macs[name], INTERFACE_UUID=uuid)
            assert product.run(nic).returncode == 0
        node.run({"br0": {"datapath_type": "netdev", "uplinks": "e0"}})
        taps["e1"].received()
        trunk = {"datapath_type": "netdev", "uplinks": "e1", "trunks": "10"}
        node.run({"br0": trunk}, "--force")
        ours = [one for one in heard(taps["e1"]) if one[0] in macs.values()]
        assert ours == [(macs["tap0"], 10)] * 2


def test_what_was_learned_at_the_uplink_is_forgotten(ovs: OpenVSwitch, product: Product) -> None:
    """A guest's own broadcast that came back by the other cable."""
    with Tap("e0") as uplink, Tap("tap0"):
        assert product.run(environ(ovs, VLAN=".10")).returncode == 0
        node = Node(ovs, product)
        node.run({"br0": {"datapath_type": "netdev", "uplinks": "e0"}})
        (number,) = (row["ofport"][0] for row in ovs.rows("Interface") if row["name"] == "e0")
        mac = "02:00:00:00:01:07"

        def known() -> bool:
            uplink.send(rarp(MACS[7], 10))
            return bool(re.search(rf"^ +{number} +10 +{mac}", ovs.appctl("fdb/show", "br0"), re.M))

        wait_until(known, "the station at the uplink")
        stations = {"br0": ((mac, 10),)}
        with Session(str(ovs.socket), SWITCHES, 10) as session:
            assert announce(session, ["br0"], stations) == []
        assert mac not in ovs.appctl("fdb/show", "br0")


def test_odd_rows_of_guests_are_left_out(ovs: OpenVSwitch, product: Product) -> None:
    """No MAC, one that is none, a tap in somebody's bond: the others are announced all the same."""
    node = Node(ovs, product)
    mac = environ(ovs)["MAC"]
    with ExitStack() as stack:
        taps = {n: stack.enter_context(Tap(n)) for n in ("e0", "e1", "t1", *(
            f"tap{number}" for number in range(4)))}  # fmt: skip
        for number in range(4):
            uuid = f"{number}0000000-0000-4000-8000-000000000000"
            nic = environ(ovs, f"tap{number}", VLAN=".10", INTERFACE_UUID=uuid)
            assert product.run(nic).returncode == 0
        ovs.vsctl("remove", "Interface", "tap1", "external_ids", "attached-mac")
        ovs.vsctl("set", "Interface", "tap2", 'external_ids:attached-mac="no mac"')
        ovs.vsctl("--", "--id=@i", "create", "Interface", "name=t1",
                  "--", "add", "Port", "tap3", "interfaces", "@i")  # fmt: skip
        node.run({"br0": {"datapath_type": "netdev", "uplinks": "e0"}})
        taps["e1"].received()
        done = node.json({"br0": {"datapath_type": "netdev", "uplinks": "e1"}})
        assert (done["applied"], done["warnings"]) == (True, [])
        assert (mac, 10) in heard(taps["e1"])
