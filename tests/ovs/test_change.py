"""A port changed while its guest uses it: by the hook after gnt-instance modify."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.ovs.support import environ, port, wanted
from tests.ovs.test_hooks import hook
from tests.testbed.frames import frame, read
from tests.testbed.guests import Guests
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

VLANS = ["", ".5", ":10:20", ".2:10:20"]
LIMITS = ["", "ovs:nic:0:max_bandwidth:10M", "ovs:nic:0:max_bandwidth:20M ovs:nic:0:max_burst:4M"]
# Walks over all ordered pairs of them; that of the limits is half as long.
VLAN_WALK = [0, 1, 2, 3, 0, 2, 1, 3, 2, 0, 3, 1, 0]
LIMIT_WALK = [0, 1, 2, 0, 2, 1] * 2 + [0]
SETTINGS = [
    {"VLAN": VLANS[vlan], "TAGS": LIMITS[limit]} for vlan, limit in zip(VLAN_WALK, LIMIT_WALK)
]


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(ovs.dir / "var")
    yield fixture
    fixture.close()


def start(ovs: OpenVSwitch, product: Product, guests: Guests, **changes: str) -> Tap:
    """inst1.lab with one NIC; returns its tap."""
    nic = environ(ovs, **changes)
    guests.start("inst1.lab", nic, script=lambda one: product.run(one).check_returncode())
    (tap,) = guests.taps["inst1.lab"]
    return tap


def change(ovs: OpenVSwitch, product: Product, **changes: str) -> None:
    """Ganeti tells what the NIC is now; nothing may be wrong with it."""
    nic = environ(ovs, **changes)
    told = {f"NIC0_{name}": nic[name] for name in ("MAC", "MODE", "LINK", "VLAN")}
    told.update(NIC_COUNT="1", NIC0_UUID=nic["INTERFACE_UUID"], TAGS=nic["TAGS"])
    news = {f"GANETI_POST_INSTANCE_{name}": value for name, value in told.items()}
    assert hook(ovs, product, "instance-modify-post", **news) == (0, "")


def test_every_change_gives_what_attaching_gives(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    fresh = []
    for setting in SETTINGS:
        with Tap("tap0"):
            assert product.run(environ(ovs, **setting)).returncode == 0
            fresh.append(wanted(ovs))
    start(ovs, product, guests, **SETTINGS[0])
    row = port(ovs, "tap0")
    for before, setting, right in zip(SETTINGS, SETTINGS[1:], fresh[1:]):
        change(ovs, product, **setting)
        assert wanted(ovs) == right, (before, setting)
    after = port(ovs, "tap0")
    assert after["_uuid"] == row["_uuid"]
    assert after["interface"]["_uuid"] == row["interface"]["_uuid"]
    assert after["interface"]["ofport"] == row["interface"]["ofport"]


def test_nothing_to_change(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, **SETTINGS[1])
    ovs.vsctl("set", "interface", "tap0", "external_ids:vm-id=somebody")
    before = ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg")
    change(ovs, product, **SETTINGS[1])
    assert ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg") == before
    # What others have put beside our external_ids stays.
    change(ovs, product, **SETTINGS[0], MAC="aa:00:00:00:00:01")
    ids = port(ovs, "tap0")["interface"]["external_ids"]
    assert ids["vm-id"] == "somebody"
    # The guest has its MAC until its next start.
    assert ids["attached-mac"] == environ(ovs)["MAC"]


def test_what_somebody_has_altered_by_hand(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    start(ovs, product, guests, **SETTINGS[1])
    right = wanted(ovs)
    ovs.vsctl("set", "port", "tap0", "vlan_mode=trunk", "tag=7", "trunks=1,2")
    ovs.vsctl("clear", "port", "tap0", "qos", "--", "set", "interface", "tap0",
              "ingress_policing_rate=5")  # fmt: skip
    change(ovs, product, **SETTINGS[1])
    rows = wanted(ovs)
    assert rows["Port"] == right["Port"]
    assert rows["Interface"] == right["Interface"]


def test_a_changed_link_moves_the_port(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, **SETTINGS[1])
    change(ovs, product, LINK="br1", VLAN=".7", TAGS=LIMITS[2])
    row = port(ovs, "tap0")
    assert (row["bridge"], row["tag"]) == ("br1", [7])
    assert row["interface"]["ofport"][0] > 0
    assert row["qos"]["other_config"]["max-rate"] == "20000000"
    assert ovs.vsctl("list-ports", "br0") == ""
    assert len(ovs.rows("QoS")) == len(ovs.rows("Queue")) == 1


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


def test_limits_change_without_a_lost_frame(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    vlan = {"VLAN": ".5"}
    guest = start(ovs, product, guests, **vlan, TAGS="")
    with Tap("tap1") as other:
        assert product.run(environ(ovs, "tap1", **vlan)).returncode == 0
        for sender, receiver in ((other, guest), (guest, other)):
            with traffic(sender, receiver) as counts:
                change(ovs, product, **vlan, TAGS="ovs:nic:0:max_bandwidth:10M")
                assert "ceil 10Mbit" in classes("tap0")
                before = run("tc", "qdisc", "show", "dev", "tap0")
                change(ovs, product, **vlan, TAGS="ovs:nic:0:max_bandwidth:20M")
                assert "ceil 20Mbit" in classes("tap0")
                assert "ceil 10Mbit" not in classes("tap0")
                assert run("tc", "qdisc", "show", "dev", "tap0") == before
                change(ovs, product, **vlan, TAGS="")
                assert "htb" not in run("tc", "qdisc", "show", "dev", "tap0")
                assert "ingress" not in run("tc", "qdisc", "show", "dev", "tap0")
            sent, came = counts
            assert sent > 150
            assert came == sent
    assert ovs.rows("QoS") == ovs.rows("Queue") == []
