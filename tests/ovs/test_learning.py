"""A learning physical switch knows by which cable guests are reached, whatever a bond does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from ganeti_ovs.ovsdb.learning import rarp
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
    """The cables by which the physical switch would send to the stations."""
    lines = [line.split() for line in run("bridge", "fdb", "show", "br", "phys").splitlines()]
    macs = {":".join(f"{byte:02x}" for byte in mac) for mac in MACS}
    found = {line[0]: line[2] for line in lines if line[0] in macs}
    assert found.keys() == macs
    return set(found.values())


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
    wait_until(lambda: cables() == {"p0"}, "the old cable")
