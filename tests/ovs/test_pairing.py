"""Guests that were there before us, hot-plugged: which NIC has which tap, if anybody knows."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from ganeti_ovs.cluster.qemu import _MONITORS_LIMIT
from tests.ovs.support import port, wanted
from tests.ovs.test_reconcile import lose_database, nic, reconcile, start, up
from tests.testbed.guests import Guests
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

UUIDS = [f"{n}0000000-0000-4{n}00-8000-00000000000{n}" for n in range(4)]
INSTANCE = "two.lab"


def one(index: int, tap: str, vlan: str, which: int, **changes: str) -> dict[str, str]:
    return nic(
        0, INSTANCE=INSTANCE, INTERFACE=tap, INTERFACE_INDEX=str(index), VLAN=vlan,
        INTERFACE_UUID=UUIDS[which], MAC=f"aa:00:00:00:00:0{which}", **changes,
    )  # fmt: skip


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(ovs.dir / "var")
    yield fixture
    fixture.close()


def tags(ovs: OpenVSwitch) -> dict[str, list[int]]:
    return {row["name"]: row["tag"] for row in ovs.rows("Port") if row["name"].startswith("tap")}


def test_after_hot_modify_of_a_guest_of_stock(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """Positions in the runtime file and numbers of nic/ files do not match any more."""
    guests.start(INSTANCE, one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1))
    guests.configuration(one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1))
    guests.hot_modify(INSTANCE, 0, one(0, "tap0", ".30", 0))
    reconcile(ovs, product)
    assert tags(ovs) == {"tap0": [30], "tap1": [20]}
    # The names of the taps may be others, too: the lowest that is free.
    guests.hot_modify(INSTANCE, 1, one(1, "tap5", ".40", 1))
    reconcile(ovs, product)
    assert tags(ovs) == {"tap0": [30], "tap5": [40]}


def test_file_descriptors_are_used_anew(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """The boot's command line still names them for other NICs."""
    guests.start(INSTANCE, one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1))
    guests.configuration(one(0, "tap8", ".50", 1), one(1, "tap7", ".30", 2))
    guests.hot_remove(INSTANCE, 0)
    guests.hot_add(INSTANCE, one(1, "tap7", ".30", 2))
    guests.hot_modify(INSTANCE, 0, one(0, "tap8", ".50", 1))
    reconcile(ovs, product)
    assert tags(ovs) == {"tap7": [30], "tap8": [50]}


def test_a_qemu_that_does_not_answer(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """Of two taps and two NICs there is no telling: nothing is guessed, and none is changed."""
    guests.start(INSTANCE, one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1))
    ovs.vsctl("add-port", "br1", "tap1", "tag=77")
    other = nic(5, VLAN=".99")
    guests.configuration(one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1), other)
    start(ovs, product, guests, other)
    ovs.vsctl("del-port", "tap5")
    before = wanted(ovs)
    os.kill(guests.pid(INSTANCE), signal.SIGSTOP)
    try:
        lines, errors = reconcile(ovs, product, code=1)
    finally:
        os.kill(guests.pid(INSTANCE), signal.SIGCONT)
    assert lines == ["attached tap5 (inst5.lab, NIC 0) to br0"]
    assert [line.split(":")[1].strip() for line in errors.splitlines()] == [
        "tap0 (two.lab)",
        "tap1 (two.lab)",
    ]
    assert "restart two.lab, or hot-plug the NIC anew" in errors
    ovs.vsctl("del-port", "tap5")
    assert wanted(ovs) == before
    reconcile(ovs, product)
    assert tags(ovs) == {"tap0": [10], "tap1": [20], "tap5": [99]}


def test_the_only_one_that_is_left_needs_no_answer(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    guests.start(INSTANCE, one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1))
    guests.configuration(one(0, "tap0", ".10", 0), one(1, "tap1", ".20", 1))
    up(ovs, product, one(1, "tap1", ".20", 1))
    os.kill(guests.pid(INSTANCE), signal.SIGSTOP)
    try:
        reconcile(ovs, product)
    finally:
        os.kill(guests.pid(INSTANCE), signal.SIGCONT)
    assert tags(ovs) == {"tap0": [10], "tap1": [20]}


def test_a_pid_file_that_names_another_guests_process(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """It outlived its guest, and the number was given to another one's qemu."""
    # One made before the other one's, one after it: whatever a directory's order is.
    (guests.root / "pid/inst0.lab").write_text("")
    start(ovs, product, guests, nic(1, VLAN=".10"))
    right = wanted(ovs)
    runtime = json.loads((guests.root / "conf/inst1.lab.runtime").read_text())
    runtime[1][0]["nicparams"] = {"mode": "openvswitch", "link": "br1", "vlan": ".66"}
    for dead in ("inst0.lab", "inst2.lab"):
        (guests.root / "pid" / dead).write_text(f"{guests.pid('inst1.lab')}\n")
        (guests.root / f"conf/{dead}.runtime").write_text(json.dumps(runtime))
        (guests.root / "nic" / dead).mkdir()
        (guests.root / "nic" / dead / "0").write_text("tap1")
    assert reconcile(ovs, product)[0] == ["nothing to do"]
    assert wanted(ovs) == right
    lose_database(ovs)
    guests.forget_records()
    guests.configuration(nic(1))
    reconcile(ovs, product)
    assert port(ovs, "tap1")["tag"] == [10]


@pytest.mark.parametrize("field", ["INSTANCE", "plug", "end"])
def test_a_record_of_another_plug_or_guest(
    field: str, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """It counts as not there: what the guest was started with holds."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    record = guests.var / "run/ganeti-ovs/nic/tap1"
    body, _, _ = record.read_bytes().partition(b"END=")
    body = body.replace(b"VLAN=.10\n", b"VLAN=.66\n")
    if field == "INSTANCE":
        body = body.replace(b"INSTANCE=inst1.lab", b"INSTANCE=inst2.lab")
    if field == "plug":
        before, _, plug = body.rpartition(b"PLUG=")
        boot, ifindex, time = plug.split(b".")
        body = before + b"PLUG=" + b".".join((boot, b"%d" % (int(ifindex) + 1), time))
    end = len(body) + (field == "end")
    record.write_bytes(body + b"END=%d\n" % end)
    guests.configuration(nic(1))
    lose_database(ovs)
    reconcile(ovs, product)
    assert port(ovs, "tap1")["tag"] == [10]


def test_a_port_of_ours_without_a_record_stays_as_it_is(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """What the guest was started with may be long out of date; the port is what was wanted last."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    guests.forget_records()
    ovs.vsctl("set", "port", "tap1", "tag=20")
    lines, _ = reconcile(ovs, product)
    assert lines == [
        "left alone: tap1 on br0: there is no record of its settings, so it stays as it is until"
        " the NIC is modified or its guest is restarted or migrated"
    ]
    assert port(ovs, "tap1")["tag"] == [20]


def test_a_port_that_is_newer_than_its_record(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """A record that could be neither written nor removed (a read-only /run) does not win later."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    boot, ifindex, time = port(ovs, "tap1")["interface"]["external_ids"]["ganeti-ovs-plug"].split(
        "."
    )
    newer = f"{boot}.{ifindex}.{int(time) + 1}"
    ovs.vsctl("set", "interface", "tap1", f"external_ids:ganeti-ovs-plug={newer}", "--", "set",
              "port", "tap1", "tag=20")  # fmt: skip
    lines, _ = reconcile(ovs, product)
    assert lines[0].startswith("left alone: tap1 on br0: there is no record")
    assert port(ovs, "tap1")["tag"] == [20]


def test_a_record_of_a_nic_that_is_bridged_now(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """It went with the call that set the bridged NIC up, even where there was no port any more."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    ovs.vsctl("del-port", "tap1")
    bridged = nic(1, MODE="bridged", LINK="nobridge", VLAN="")
    product.run({**bridged, **ovs.environ, "SYSCONFDIR": str(product.etc)})
    assert not (guests.var / "run/ganeti-ovs/nic/tap1").exists()


def test_a_port_of_a_former_plug_goes(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """The tap's name is used anew by what is no guest (yet): its network is not the old one's."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    guests.stop("inst1.lab", crash=True)
    guests.start("inst3.lab", nic(3, INTERFACE="tap1", INTERFACE_UUID=UUIDS[3]))
    (guests.root / "pid/inst3.lab").unlink()
    assert reconcile(ovs, product)[0] == ["removed tap1 from br0: its interface was made anew"]


def test_tags_that_are_not_known(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """On a node without Ganeti's configuration: nothing is made without them and called right."""
    tagged = nic(1, VLAN="", TAGS="ovs:nic:0:vlan:100 ovs:nic:0:max_bandwidth:10M")
    start(ovs, product, guests, tagged)
    guests.forget_records()
    ovs.vsctl("del-port", "tap1")
    for _ in range(2):
        assert "so its tags are not known" in reconcile(ovs, product, code=1)[1]
        assert "tap1" not in tags(ovs)
    # What stock Ganeti has attached is made ours by what stock knew, and named from then on.
    ovs.vsctl("add-port", "br1", "tap1", "tag=7")
    assert reconcile(ovs, product)[0] == [
        "replaced tap1 (inst1.lab, NIC 0) on br0: it was not ours"
    ]
    assert reconcile(ovs, product)[0][0].startswith("left alone: tap1 on br0: there is no record")
    guests.configuration(tagged)
    hot = {**tagged, "TAGS": tagged["TAGS"]}
    up(ovs, product, hot)
    assert port(ovs, "tap1")["tag"] == [100]


def test_another_guests_port_does_not_stay(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """Nobody can say which NIC it is, but the port was made for another plug of the tap's name."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    guests.stop("inst1.lab", crash=True)
    guests.start("inst2.lab", nic(2, INTERFACE="tap1", INTERFACE_UUID=UUIDS[2]))
    (guests.root / "conf/inst2.lab.runtime").write_text("")
    lines, errors = reconcile(ovs, product, code=1)
    assert lines == ["removed tap1 from br0: its interface was made anew"]
    assert "tap1 (inst2.lab): neither qemu nor Ganeti's files say which" in errors


@pytest.mark.rest
def test_many_that_do_not_answer(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """All monitors together have one time limit, whatever number of looks it takes."""
    names = [f"inst{number}.lab" for number in range(5)]
    for number, name in enumerate(names):
        guests.start(name, nic(number))
        (guests.root / "conf" / f"{name}.runtime").write_text("")
    other = nic(7, VLAN=".99")
    start(ovs, product, guests, other)
    ovs.vsctl("set", "port", "tap7", "tag=5")
    for name in names:
        os.kill(guests.pid(name), signal.SIGSTOP)
    started = time.monotonic()
    try:
        lines, _ = reconcile(ovs, product, code=1)
    finally:
        for name in names:
            os.kill(guests.pid(name), signal.SIGCONT)
    assert lines == ["changed tap7 (inst7.lab, NIC 0) on br0: VLAN .5 -> .99"]
    assert time.monotonic() - started < 2 * _MONITORS_LIMIT


def test_taken_down_while_the_guest_runs(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """As Ganeti 3.2 does: it stays down, and what the guest was started with does not come back."""
    one_ = nic(1, VLAN=".10")
    start(ovs, product, guests, one_)
    down = product.etc / "ganeti/network/openvswitch/down"
    assert product.run({**one_, **ovs.environ, "ACTION": "down"}, down).returncode == 0
    assert reconcile(ovs, product) == (["nothing to do"], "")
    assert "tap1" not in tags(ovs)
    up(ovs, product, {**one_, "VLAN": ".20"})
    assert reconcile(ovs, product) == (["nothing to do"], "")
    assert tags(ovs) == {"tap1": [20]}


def test_a_dead_vswitchd_costs_no_port(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """What is in the database already, and is only not looked at yet, is not taken away again."""
    start(ovs, product, guests, nic(1, VLAN=".10"))
    ovs.vsctl("del-port", "tap1")
    ovs.stop_vswitchd()
    ovs.environ["GANETI_OVS_TIMEOUT"] = "1"
    for _ in range(3):
        assert "has not applied the change within 1 s" in reconcile(ovs, product, code=1)[1]
        assert tags(ovs) == {"tap1": [10]}
    ovs.start_vswitchd()
    ovs.environ["GANETI_OVS_TIMEOUT"] = "20"
    reconcile(ovs, product)
    assert port(ovs, "tap1")["interface"]["ofport"][0] > 0


def test_tags_in_another_order_are_the_same(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    tagged = nic(1, TAGS="z ovs:nic:0:max_bandwidth:10M a")
    start(ovs, product, guests, tagged)
    guests.configuration(tagged)
    reconcile(ovs, product)
    record = guests.var / "run/ganeti-ovs/nic/tap1"
    before = record.stat().st_ino
    for order in ("a z ovs:nic:0:max_bandwidth:10M", "ovs:nic:0:max_bandwidth:10M a z"):
        guests.configuration(nic(1, TAGS=order))
        assert reconcile(ovs, product) == (["nothing to do"], "")
    assert record.stat().st_ino == before
