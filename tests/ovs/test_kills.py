"""Calls, or ovsdb-server, are killed at any moment: one reconcile puts it right."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.node import records
from tests.ovs.node import Node, expected, good, nic, ports, record_files, told
from tests.ovs.support import wanted
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.rounds import chances, rounds
from tests.testbed.tap import Tap

pytestmark = pytest.mark.rest

LIMIT = "ovs:nic:*:max_bandwidth:10M"


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    fixture = Node(ovs, product)
    try:
        yield fixture
    finally:
        fixture.close()


class Killer:
    """Ends calls of one kind at moments that are spread over the time that they take."""

    def __init__(self, node: Node, command: Path, *arguments: str) -> None:
        self.chance = chances()
        self._node, self._command = node, [str(command), *arguments]
        self._duration = 0.0
        self._hits = 0

    def measure(self, calls: Callable[[], Iterator[dict[str, str]]]) -> None:
        """How long a call takes; `calls` gives the environment of each, when all is prepared."""
        times = []
        for environ in calls():
            begun = time.monotonic()
            with self._begin(environ) as process:
                assert process.wait(30) == 0
            times.append(time.monotonic() - begun)
        self._duration = median(times)

    def kill(self, environ: dict[str, str]) -> None:
        with self._begin(environ) as process:
            time.sleep(self.chance.uniform(0, 1.1 * self._duration))
            process.kill()
            hit = process.wait() < 0
        # How busy the machine is changes: one call in ten shall end before.
        self._duration *= 1.01 if hit else 0.9
        self._hits += hit

    def finish(self) -> None:
        print(f"{self._hits} were killed before they had ended, {self._duration:.3f} s long")
        assert self._hits

    def _begin(self, environ: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            env={**environ, **self._node.ovs.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def who(ovs: OpenVSwitch) -> dict[str, tuple[str, int]]:
    """Whose ports are there, and their VLANs, by tap."""
    return {tap: (row["uuid"], row["tag"][0]) for tap, row in ports(ovs).items()}


def identity(nic: dict[str, str]) -> tuple[str, int]:
    return nic["INTERFACE_UUID"], int(nic["VLAN"][1:])


def tidied(node: Node, before: dict[str, list[str]]) -> None:
    """One reconcile leaves nothing of what was begun."""
    good(node.reconcile())
    assert wanted(node.ovs) == before
    assert record_files(node.ovs) == []


@pytest.mark.parametrize("replacing", [False, True])
@pytest.mark.parametrize("tags", ["", LIMIT])
def test_attach(replacing: bool, tags: str, node: Node) -> None:
    killer = Killer(node, node.product.kvm_vif_bridge)
    before = wanted(node.ovs)
    old, new = nic(1, "tap0", 10, TAGS=LIMIT), nic(2, "tap0", 20, TAGS=tags)

    def prepared() -> Tap:
        if replacing:
            with Tap("tap0"):
                node.up(old)
        return Tap("tap0")

    def calls() -> Iterator[dict[str, str]]:
        for _ in range(5):
            with prepared():
                yield new
            tidied(node, before)

    killer.measure(calls)
    for _ in rounds(4):
        with prepared():
            killer.kill(new)
            assert who(node.ovs).get("tap0") in (
                None,
                identity(new),
                *([identity(old)] if replacing else []),
            )
            if killer.chance.random() < 0.5:
                node.up(new)
                assert ports(node.ovs)["tap0"] == expected(new)
        tidied(node, before)
        with Tap("tap0"):
            node.up(new)
            assert ports(node.ovs)["tap0"] == expected(new)
        tidied(node, before)
    killer.finish()


def test_down(node: Node) -> None:
    """Ganeti 3.2 calls it while the guest still runs: what is not taken down whole comes back."""
    killer = Killer(node, node.product.down)
    before = wanted(node.ovs)
    one = nic(1, "tap0", 10, TAGS=LIMIT)
    node.guests.configuration(one)

    def calls() -> Iterator[dict[str, str]]:
        for _ in range(5):
            with Tap("tap0"):
                node.up(one)
                yield one

    killer.measure(calls)
    for _ in rounds(6):
        node.start(one)
        right = wanted(node.ovs)
        killer.kill(one)
        assert who(node.ovs).get("tap0") in (None, identity(one))
        record = records.read(runtime(node.ovs.environ), "tap0")
        if record is not None and record.nic.down:
            # It had done all, and was only about to end.
            assert good(node.reconcile()).stdout == "nothing to do\n"
            assert wanted(node.ovs) == before
        elif killer.chance.random() < 0.5:
            node.settle()
            assert wanted(node.ovs) == right
        node.stop("inst1.lab")
        tidied(node, before)
    killer.finish()


def test_reconcile(node: Node) -> None:
    """A port is lost, one is altered, one is another guest's, one is nobody's, rows are unused."""
    killer = Killer(node, node.product.gnt_ovs, "reconcile")
    for number in range(3):
        node.start(nic(number, f"tap{number}", 10 + number))
    count = 10

    def disorder() -> dict[str, tuple[str, int]]:
        nonlocal count
        count += 1
        with Tap("tap3"):
            node.up(nic(3, "tap3", 13))
        (former,) = (name for name, one in node.nics.items() if one["INTERFACE"] == "tap2")
        node.stop(former, crash=True)
        new = nic(count, "tap2", 100 + count)
        # Nobody has told us of it; its tags are in Ganeti's configuration.
        node.guests.start(new["INSTANCE"], new)
        node.nics[new["INSTANCE"]] = new
        node.guests.configuration(*node.nics.values())
        mark = "external_ids:ganeti-ovs=1"
        node.ovs.vsctl(
            "del-port", "tap0", "--", "set", "port", "tap1", "tag=99", "--",
            "create", "qos", "type=linux-htb", mark, "queues:0=@q", "--",
            "--id=@q", "create", "queue", mark,
        )  # fmt: skip
        return who(node.ovs)

    def calls() -> Iterator[dict[str, str]]:
        for _ in range(5):
            disorder()
            yield {}
            node.check()

    killer.measure(calls)
    for _ in rounds(5):
        former = disorder()
        assert former.keys() == {"tap1", "tap2", "tap3"}
        killer.kill({})
        now = who(node.ovs)
        right = {one["INTERFACE"]: identity(one) for one in node.nics.values()}
        assert now.get("tap0") in (None, right["tap0"])
        assert now["tap1"] in (former["tap1"], right["tap1"])
        assert now.get("tap2") in (former["tap2"], None, right["tap2"])
        assert now.get("tap3") in (former["tap3"], None)
        node.settle()
        assert node.ovs.rows("QoS") == node.ovs.rows("Queue") == []
    killer.finish()


def test_modify_hook(node: Node) -> None:
    hooks = node.product.etc / "ganeti" / "hooks"
    killer = Killer(node, hooks / "instance-modify-post.d" / "50-ovs")
    old = nic(1, "tap0", 10)
    node.start(old)

    def calls() -> Iterator[dict[str, str]]:
        for vlan in range(20, 25):
            yield told("instance-modify", {**old, "VLAN": f".{vlan}"})

    killer.measure(calls)
    node.nics["inst1.lab"] = old = {**old, "VLAN": ".24"}
    node.settle()
    for number in rounds(6):
        new = {**old, "VLAN": f".{100 + number}"}
        killer.kill(told("instance-modify", new))
        assert who(node.ovs)["tap0"] in (identity(old), identity(new))
        good(node.reconcile())
        # Old or new, the record says the same.
        done = who(node.ovs)["tap0"] == identity(new)
        node.nics["inst1.lab"] = new if done else old
        node.settle()
        good(node.hook("instance-modify", new))
        node.nics["inst1.lab"] = old = new
        node.check()
    killer.finish()


def test_half_a_record_goes(node: Node) -> None:
    """What a call leaves that is killed while it writes the record of a tap that goes on."""
    node.start(nic(1, "tap0", 10))
    directory = Path(f"{node.ovs.environ['LOCALSTATEDIR']}/run/ganeti-ovs/nic")
    for tap in ("tap0", "tap1"):
        (directory / f"{tap}~").write_text("INSTANCE=inst1.lab\nVLAN=.1")
    node.settle()


@pytest.mark.parametrize("link", ["br0", "nobr"])
def test_server_killed_while_a_second_nic_is_attached(link: str, node: Node) -> None:
    """No guest starts then: neither NIC's port is there, or the line says what may be."""
    chance = chances()
    before = wanted(node.ovs)
    one = nic(1, "tap0", 10)
    other = nic(2, "tap1", 20, INSTANCE=one["INSTANCE"], INTERFACE_INDEX="1", LINK=link)
    times, outcomes = [], {0: 0, 1: 0}
    for _ in range(5):
        with Tap("tap0"), Tap("tap1"):
            node.up(one)
            begun = time.monotonic()
            node.product.run({**other, **node.ovs.environ})
            times.append(time.monotonic() - begun)
        tidied(node, before)
    for _ in rounds(4):
        with Tap("tap0"), Tap("tap1"):
            node.up(one)
            begun = time.monotonic()
            call = node.pool.submit(node.product.run, {**other, **node.ovs.environ})
            # Before, it has not even called the server.
            time.sleep(chance.uniform(0.2, 1.0) * median(times))
            node.ovs.kill_server()
            time.sleep(0.2)
            node.ovs.start_server()
            done = call.result()
            print(f"{time.monotonic() - begun:.2f} s: {done.returncode} {done.stderr}", end="")
            outcomes[done.returncode] += 1
            found = who(node.ovs)
            if done.returncode == 0:
                assert found == {"tap0": identity(one), "tap1": identity(other)}
            else:
                assert done.stderr.count("\n") == 1
                if "tap1" in found:
                    assert "whether the port tap1 is there is not known" in done.stderr
                if "tap0" in found:
                    assert "gnt-ovs reconcile removes ports of the same start" in done.stderr
        # It waits up to 8 s before it connects again; a new one does at once.
        node.ovs.stop_vswitchd()
        node.ovs.start_vswitchd()
        tidied(node, before)
    print(outcomes)
