"""/var/run is full, read-only or has one free page, and clocks jump: ports are right all the same.

Only our own calls find it so: Ganeti's files are written before and after.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ovs.node import Done, Node, good, nic, ports
from tests.testbed.disk import KINDS, Disk
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import KVM_IFUP, Product
from tests.testbed.rounds import chances

pytestmark = pytest.mark.rest

(FAKETIME,) = map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
HOUR = 3600
# So many tags that a record does not fit into one page.
TAGS = " ".join(f"{number:02d}-{'x' * 90}" for number in range(60))


class Case:
    """The node, with a disk of this kind while a call runs, and with clocks that jump or not."""

    def __init__(self, node: Node, disk: Disk, kind: str, jumps: bool) -> None:
        self.node, self.kind, self._jumps = node, kind, jumps
        self._disk = disk
        self._chance: random.Random = chances()
        self._plain = dict(node.ovs.environ)

    def start(self, number: int, tap: str, vlan: int) -> None:
        one = nic(number, tap, vlan, TAGS=TAGS)

        def script(_nic: dict[str, str]) -> None:
            self._check(self._call(lambda: self.node.product.run({**one, **self.node.ovs.environ})))

        self.node.guests.start(one["INSTANCE"], one, script=script)
        self.node.nics[one["INSTANCE"]] = one
        self.node.check_ports()

    def modify(self, number: int, vlan: int) -> None:
        one = {**self.node.nics[f"inst{number}.lab"], "VLAN": f".{vlan}"}
        self._check(self._call(lambda: self.node.hook("instance-modify", one)))
        self.node.nics[one["INSTANCE"]] = one
        self.node.check_ports()

    def reconcile(self, *, writes: bool = False) -> list[str]:
        """What it has done; `writes`: records must be written."""
        done = self._call(self.node.reconcile)
        if writes:
            self._check(done)
        else:
            good(done)
        self.node.check_ports()
        return [line for line in done.stdout.splitlines() if not line.startswith("left alone")]

    def lose_database(self) -> None:
        self.node.ovs.environ = self._plain
        # Without a record, tags are known only where Ganeti's configuration is.
        self.node.guests.configuration(*self.node.nics.values())
        self.node.ovs.lose_database()
        self.node.ovs.add_bridge("br0")

    def _call(self, call: object) -> Done:
        assert callable(call)
        if self._jumps:
            self._jump()
        with self._disk.bad(self.kind):
            done: Done = call()
        self.node.ovs.environ = self._plain
        return done

    def _check(self, done: Done) -> None:
        """The call was to write a record."""
        if self.kind == "good":
            good(done)
            return
        lines = [line for line in done.stderr.splitlines() if "which cannot police" not in line]
        why = "Read-only file system" if self.kind == "read-only" else "No space left on device"
        assert lines
        for line in lines:
            assert "no record for gnt-ovs reconcile" in line or "could not be kept" in line
            assert why in line

    def _jump(self) -> None:
        """The next call's clock, and the times of all files, each an hour away or not."""
        files, clock = (self._chance.choice([-HOUR, 0, HOUR]) for _ in range(2))
        for directory, _, names in os.walk(self._disk.path):
            for name in names:
                path = Path(directory, name)
                if path.is_file():
                    now = path.stat().st_mtime
                    os.utime(path, (now + files, now + files))
        self.node.ovs.environ = {
            **self._plain,
            "LD_PRELOAD": FAKETIME,
            "FAKETIME": f"{clock:+d}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def disk(ovs: OpenVSwitch) -> Iterator[Disk]:
    fixture = Disk(Path(ovs.environ["LOCALSTATEDIR"]) / "run")
    yield fixture
    fixture.close()


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product, disk: Disk) -> Iterator[Node]:
    fixture = Node(ovs, product)
    yield fixture
    fixture.close()


def test_the_clock_jumps_for_our_calls(product: Product) -> None:
    """What the tests below rest upon."""
    environ = {"LD_PRELOAD": FAKETIME, "FAKETIME": f"+{HOUR}s"}
    ahead, now = (int(product.run(one, "/bin/date", "+%s").stdout) for one in (environ, {}))
    assert HOUR - 5 < ahead - now <= HOUR


@pytest.mark.parametrize("jumps", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_ports_are_right(kind: str, jumps: bool, node: Node, disk: Disk) -> None:
    case = Case(node, disk, "good", jumps)
    case.start(1, "tap1", 10)
    case.start(2, "tap2", 20)
    case.kind = kind
    case.start(3, "tap3", 30)
    assert case.reconcile() in ([], ["nothing to do"])
    case.modify(1, 11)
    assert case.reconcile() in ([], ["nothing to do"])
    # The name of tap2 is used anew.
    node.stop("inst2.lab", crash=True)
    case.start(4, "tap2", 40)
    assert case.reconcile() in ([], ["nothing to do"])
    # For a moment the disk is all right: what has not been kept changes nothing.
    case.kind = "good"
    assert case.reconcile() in ([], ["nothing to do"])
    # What Ganeti says again is kept now; the other two are known by what they were started with.
    case.modify(1, 11)
    case.kind = kind
    case.lose_database()
    assert len(case.reconcile(writes=True)) == 3
    assert case.reconcile() in ([], ["nothing to do"])
    case.kind = "good"
    for number, vlan in ((3, 31), (4, 41)):
        case.modify(number, vlan)
    node.settle()
    case.lose_database()
    assert len(case.reconcile()) == 3
    node.check()


@pytest.mark.parametrize("kind", KINDS)
def test_a_nic_that_is_bridged_now(kind: str, node: Node, disk: Disk) -> None:
    """Hot-plugged anew, on a tap of the same name: its record must not bring it back."""
    one = nic(1, "tap1", 10)
    node.start(one)
    bridged = {**one, "MODE": "bridged", "LINK": "lbr0", "VLAN": ""}

    def script(_nic: dict[str, str]) -> None:
        environ = {**bridged, **node.ovs.environ, "SYSCONFDIR": str(node.product.etc)}
        with disk.bad(kind):
            assert node.product.run(environ, KVM_IFUP).returncode == 0

    run("ip", "link", "add", "lbr0", "type", "bridge")
    try:
        node.guests.hot_modify("inst1.lab", 0, bridged, script)
        for _ in range(2):
            with disk.bad(kind):
                assert good(node.reconcile()).stdout == "nothing to do\n"
            assert ports(node.ovs) == {}
            node.ovs.lose_database()
            node.ovs.add_bridge("br0")
    finally:
        run("ip", "link", "del", "lbr0")
