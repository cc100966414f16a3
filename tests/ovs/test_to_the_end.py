"""Settings of a vSwitch that do what they say to the end, with real frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ovs.nodeapply import Node, Wanted, answer
from tests.ovs.support import environ, port
from tests.ovs.test_reconcile import nic
from tests.testbed.frames import exchange, frame, read
from tests.testbed.guests import Guests
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.tap import Tap

Taps = dict[str, Tap]
NO_TREE = {"rstp-enable": "false", "stp-enable": "false"}


class Lab:
    """br0 with the guest tap0, both untagged; devices e0 and e1 whose other end we hold."""

    def __init__(self, ovs: OpenVSwitch, product: Product, stack: ExitStack) -> None:
        self.ovs, self.product, self.node, self._stack = ovs, product, Node(ovs, product), stack
        self.taps: Taps = {}
        for name in ("e0", "e1"):
            self.taps[name] = stack.enter_context(Tap(name))
            run("ip", "link", "set", name, "up")
        self.attach("tap0")

    def attach(self, tap: str) -> None:
        if tap not in self.taps:
            self.taps[tap] = self._stack.enter_context(Tap(tap))
        number = tap[3:]
        uuid = f"bdc23741-5995-403d-8ac7-{int(number):012d}"
        done = self.product.run(
            environ(self.ovs, tap, VLAN="", TAGS="", INSTANCE=f"inst{number}.lab",
                    INTERFACE_UUID=uuid)
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")

    def hears(self) -> dict[str, list[str]]:
        """Who hears a broadcast of whom; only of those that are on the vSwitch."""
        there = {row["name"] for row in self.ovs.rows("Port")}
        taps = {name: tap for name, tap in self.taps.items() if name in there}
        found = exchange(taps, {n: (name, ()) for n, name in enumerate(taps)}, quiet=0.2)
        return {name: sorted(found[n]) for n, name in enumerate(taps)}

    def all_hear(self) -> bool:
        found = self.hears()
        return all(sorted([name, *others]) == sorted(found) for name, others in found.items())


@pytest.fixture
def lab(ovs: OpenVSwitch, product: Product) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(ovs, product, stack)


def br0(uplinks: str = "e0", **values: str) -> Wanted:
    return {"br0": {"datapath_type": "netdev", "uplinks": uplinks, **values}}


def mtu(*names: str) -> list[int]:
    return [int(Path(f"/sys/class/net/{name}/mtu").read_text()) for name in names]


def passes(sender: Tap, receiver: Tap, size: int) -> bool:
    """Whether a frame of so many bytes without its Ethernet header comes through."""
    receiver.received()
    sender.send(frame(77).ljust(size + 14, b"\0"))
    found: list[bytes] = []

    def came() -> bool:
        found.extend(data for data in receiver.received() if (read(data) or (0,))[0] == 77)
        return bool(found)

    try:
        wait_until(came, "the frame", 0.5)
    except TimeoutError:
        return False
    return len(found[0]) == size + 14


def test_mtu_everywhere_and_back(lab: Lab) -> None:
    """Uplink, the vSwitch's own interface, another internal one, guests of before and after."""
    ovs, node = lab.ovs, lab.node
    run("ip", "link", "set", "e0", "mtu", "2000")
    ovs.vsctl("add-port", "br0", "int0", "--", "set", "interface", "int0", "type=internal")
    node.run(br0())
    assert not passes(lab.taps["tap0"], lab.taps["e0"], 8900)
    lines, errors = node.run(br0(mtu="9000"))
    assert errors == []
    assert lines == [
        "br0: mtu unset -> 9000",
        "br0: int0: mtu unset -> 9000",
        "br0: tap0: mtu unset -> 9000",
        "br0: e0: mtu unset -> 9000",
    ]
    lab.attach("tap1")
    everywhere = ("e0", "br0", "int0", "tap0", "tap1")
    assert mtu(*everywhere) == [9000] * 5
    assert passes(lab.taps["tap1"], lab.taps["e0"], 9000)
    assert passes(lab.taps["e0"], lab.taps["tap0"], 9000)
    assert node.run(br0(mtu="9000")) == (["nothing to do"], [])
    # Guests have it, and may use it: not without --force.
    refused = "br0: mtu 1500 is below that of tap0 (inst0.lab, NIC 0), tap1 (inst1.lab, NIC 0)"
    assert refused in node.json(br0(), code=1)["error"]
    shown = node.json(br0(), "--dry-run", "--force")
    assert f"forced: {refused}" in shown["warnings"]
    assert "br0: 2 guests' ports: mtu 9000 -> 1500" in shown["changes"]
    assert mtu(*everywhere) == [9000] * 5
    lines, _errors = node.run(br0(), "--force")
    assert "br0: e0: mtu 9000 -> 2000" in lines
    assert mtu(*everywhere) == [2000, 1500, 1500, 1500, 1500]
    assert [row["mtu_request"] for row in ovs.rows("Interface") if row["mtu_request"] != []] == []
    assert node.run(br0()) == (["nothing to do"], [])


def test_mtu_is_rolled_back_and_goes_with_the_uplink(lab: Lab) -> None:
    node = lab.node
    node.run(br0())
    with node.start(br0(mtu="9000"), "--confirm", "20") as process:
        assert answer(process)["applied"]
        assert mtu("e0", "br0", "tap0") == [9000, 9000, 9000]
        out, _ = process.communicate("no\n", timeout=30)
    assert "everything is as it was before" in out
    assert mtu("e0", "br0", "tap0") == [1500, 1500, 1500]
    node.run(br0(mtu="9000"))
    assert mtu("e0") == [9000]
    node.run(br0("e1", mtu="9000"))
    assert mtu("e0", "e1") == [1500, 9000]


def test_rstp_leaves_no_port_blocked(lab: Lab) -> None:
    """Switched off, and taken back: broadcasts pass as soon as the command has ended."""
    ovs, node = lab.ovs, lab.node
    node.run(br0())
    assert port(ovs, "tap0")["other_config"] == NO_TREE
    assert lab.all_hear()
    node.run(br0(rstp="yes"))
    lab.attach("tap1")
    assert port(ovs, "tap1")["other_config"] == {}
    wait_until(lab.all_hear, "ports that forward", 15)
    node.run(br0())
    assert lab.all_hear()
    assert port(ovs, "tap1")["other_config"] == NO_TREE
    with node.start(br0(rstp="yes"), "--confirm", "30") as process:
        assert answer(process)["applied"]
        wait_until(lab.all_hear, "ports that forward", 15)
        out, _ = process.communicate("no\n", timeout=30)
    assert "everything is as it was before" in out
    assert lab.all_hear()
    # With plain ovs-vsctl they are: the test can fail.
    ovs.vsctl("set", "bridge", "br0", "rstp_enable=true")
    wait_until(lab.all_hear, "ports that forward", 15)
    ovs.vsctl("set", "bridge", "br0", "rstp_enable=false")
    print("by ovs-vsctl:", lab.hears())


def bpdu(priority: int) -> bytes:
    """An RSTP BPDU of a bridge that says it is the root (IEEE 802.1D-2004, 9.3.3)."""
    mac = bytes.fromhex("020000000001")
    bridge = struct.pack(">H", priority) + mac
    times = struct.pack(">HHHH", 0, 20 << 8, 2 << 8, 15 << 8)
    body = b"\0\0\2\2\x0e" + bridge + bytes(4) + bridge + b"\x80\1" + times + b"\0"
    payload = b"\x42\x42\x03" + body
    head = bytes.fromhex("0180c2000000") + mac + struct.pack(">H", len(payload))
    return (head + payload).ljust(60, b"\0")


def test_a_guest_is_no_bridge(lab: Lab) -> None:
    """A BPDU of a guest changes nothing; that of the uplink does."""
    lab.node.run(br0(rstp="yes"))

    def is_root() -> bool:
        return "This bridge is the root" in lab.ovs.appctl("rstp/show", "br0")

    wait_until(is_root, "a root")
    for name, stays in (("tap0", True), ("e0", False)):
        for _ in range(3):
            lab.taps[name].send(bpdu(0))
        try:
            wait_until(lambda: not is_root(), "another root", 1)
        except TimeoutError:
            assert stays, name
        else:
            assert not stays, name


def test_guests_are_named_before_they_are_cut(lab: Lab) -> None:
    node = lab.node
    node.run(br0())
    words = "br0: trunks would cut off the untagged network of tap0 (inst0.lab, NIC 0)"
    assert node.json(br0(trunks="10"), "--dry-run", code=1)["error"] == words
    assert node.json(br0(trunks="10"), code=1)["error"] == words
    assert lab.all_hear()
    words = "br0: fail_mode secure without a controller would cut off tap0 (inst0.lab, NIC 0)"
    assert node.json(br0(fail_mode="secure"), code=1)["error"] == words
    words = "br0: without an uplink, tap0 (inst0.lab, NIC 0) would reach nothing outside"
    assert node.json({"br0": {"datapath_type": "netdev"}}, code=1)["error"] == words
    words = "br0: mtu 1400 is below that of tap0 (inst0.lab, NIC 0)"
    assert node.json(br0(mtu="1400"), code=1)["error"] == words
    done = node.json(br0(trunks="10"), "--force")
    assert "forced: br0: trunks would cut off" in done["warnings"][0]
    assert lab.hears()["e0"] == []
    # Who is cut off already does not count.
    assert node.json(br0(trunks="20"))["applied"]


def test_so_are_guests_that_stock_has_attached(lab: Lab, ovs: OpenVSwitch) -> None:
    """Also while a tap is there that is nobody's: it is no way outside."""
    lab.node.run(br0())
    run("ip", "tuntap", "add", "nobody", "mode", "tap")
    guests = Guests(ovs.dir / "var")
    try:
        guests.start("inst5.lab", nic(5))
        ovs.vsctl("--", "add-port", "br0", "tap5", "tag=10", "--", "add-port", "br0", "nobody")
        ovs.vsctl("del-port", "tap0")
        lab.node.run(br0(trunks="10"))
        words = "br0: trunks would cut off VLAN 10 of tap5 (inst5.lab)"
        assert lab.node.json(br0(trunks="20"), code=1)["error"] == words
        words = "br0: without an uplink, tap5 (inst5.lab) would reach nothing outside"
        assert lab.node.json({"br0": {"datapath_type": "netdev"}}, code=1)["error"] == words
    finally:
        ovs.vsctl("--if-exists", "del-port", "nobody", "--", "--if-exists", "del-port", "tap5")
        guests.close()
        run("ip", "link", "del", "nobody")
