"""A port changed while its guest uses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ganeti_ovs.cluster.environment import nic_from_environment
from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb.live import adjust
from ganeti_ovs.ovsdb.session import Session
from tests.ovs.support import environ, port, wanted
from tests.testbed.frames import frame, read
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

VLANS = ["", ".5", ":10:20", ".2:10:20"]
LIMITS = ["", "ovs:nic:0:max_bandwidth:10M", "ovs:nic:0:max_bandwidth:20M ovs:nic:0:max_burst:4M"]
SETTINGS = [{"VLAN": vlan, "TAGS": tags} for vlan in VLANS for tags in LIMITS]


def change(ovs: OpenVSwitch, **changes: str) -> bool:
    with Session(str(ovs.socket), "tap0", 10) as session:
        return adjust(session, nic_from_environment(environ(ovs, **changes)))


def test_every_change_gives_what_attaching_gives(ovs: OpenVSwitch, product: Product) -> None:
    fresh = []
    for setting in SETTINGS:
        with Tap("tap0"):
            assert product.run(environ(ovs, **setting)).returncode == 0
            fresh.append(wanted(ovs))
    with Tap("tap0"):
        assert product.run(environ(ovs, **SETTINGS[-1])).returncode == 0
        row = port(ovs, "tap0")
        before = len(SETTINGS) - 1
        # Every setting after every other: a walk over all ordered pairs is 132 steps.
        for step in range(1, len(SETTINGS)):
            for _ in range(len(SETTINGS)):
                now = (before + step) % len(SETTINGS)
                assert change(ovs, **SETTINGS[now])
                assert wanted(ovs) == fresh[now], (SETTINGS[before], SETTINGS[now])
                before = now
        after = port(ovs, "tap0")
        assert after["_uuid"] == row["_uuid"]
        assert after["interface"]["_uuid"] == row["interface"]["_uuid"]
        assert after["interface"]["ofport"] == row["interface"]["ofport"]


def test_nothing_to_change(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs, **SETTINGS[-1])).returncode == 0
        ovs.vsctl("set", "interface", "tap0", "external_ids:vm-id=somebody")
        before = ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg")
        assert not change(ovs, **SETTINGS[-1])
        assert ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg") == before
        # What others have put beside our external_ids stays.
        assert change(ovs, **SETTINGS[0], MAC="aa:00:00:00:00:01")
        ids = port(ovs, "tap0")["interface"]["external_ids"]
        assert ids["vm-id"] == "somebody"
        assert ids["attached-mac"] == "aa:00:00:00:00:01"


def test_what_somebody_has_altered_by_hand(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs, **SETTINGS[1])).returncode == 0
        right = wanted(ovs)
        ovs.vsctl("set", "port", "tap0", "vlan_mode=trunk", "tag=7", "trunks=1,2")
        ovs.vsctl("clear", "port", "tap0", "qos", "--", "set", "interface", "tap0",
                  "ingress_policing_rate=5")  # fmt: skip
        assert change(ovs, **SETTINGS[1])
        rows = wanted(ovs)
        assert rows["Port"] == right["Port"]
        assert rows["Interface"] == right["Interface"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"INTERFACE": "tap1"}, "tap1 has no port of this NIC"),
        ({"INTERFACE_UUID": "00000000-0000-4000-8000-000000000001"}, "tap0 has no port of this"),
        ({"LINK": "br1"}, "tap0 is on vSwitch br0; moving it needs a hot-plug or restart"),
    ],
)
def test_refused(changes: dict[str, str], message: str, ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs)).returncode == 0
        before = wanted(ovs)
        with pytest.raises(Error, match=message):
            change(ovs, VLAN=".7", **changes)
        assert wanted(ovs) == before


@contextmanager
def traffic(sender: Tap, receiver: Tap) -> Iterator[list[int]]:
    """Frames every 2 ms; after the block the list holds how many were sent and how many came."""
    stop = threading.Event()
    counts = [0, 0]

    def run_it() -> None:
        while not stop.wait(0.002):
            counts[0] += 1
            sender.send(frame(counts[0]))
        time.sleep(0.5)

    thread = threading.Thread(target=run_it)
    thread.start()
    try:
        time.sleep(0.2)
        yield counts
        time.sleep(0.2)
    finally:
        stop.set()
        thread.join()
    numbers = {found[0] for found in map(read, receiver.received()) if found}
    counts[1] = len(numbers)


def classes(tap: str) -> str:
    return run("tc", "class", "show", "dev", tap)


def test_limits_change_without_a_lost_frame(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0") as guest, Tap("tap1") as other:
        vlan = {"VLAN": ".5"}
        assert product.run(environ(ovs, "tap0", **vlan)).returncode == 0
        assert product.run(environ(ovs, "tap1", **vlan)).returncode == 0
        for sender, receiver in ((other, guest), (guest, other)):
            with traffic(sender, receiver) as counts:
                assert change(ovs, **vlan, TAGS="ovs:nic:0:max_bandwidth:10M")
                assert "ceil 10Mbit" in classes("tap0")
                before = run("tc", "qdisc", "show", "dev", "tap0")
                assert change(ovs, **vlan, TAGS="ovs:nic:0:max_bandwidth:20M")
                assert "ceil 20Mbit" in classes("tap0")
                assert "ceil 10Mbit" not in classes("tap0")
                assert run("tc", "qdisc", "show", "dev", "tap0") == before
                assert change(ovs, **vlan, TAGS="")
                assert "htb" not in run("tc", "qdisc", "show", "dev", "tap0")
                assert "ingress" not in run("tc", "qdisc", "show", "dev", "tap0")
            sent, came = counts
            assert sent > 150
            assert came == sent
    assert ovs.rows("QoS") == ovs.rows("Queue") == []
