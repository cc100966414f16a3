"""Random operations over six guests; after each, exactly the right ports everywhere.

Two guests boot a system, which taking a device away from a running guest needs; the others
stay in their firmware. A failing run is repeated by its seed, which the test's name shows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from tests.cluster.expect import COLUMNS, Guest, check
from tests.cluster.lab import Cluster
from tests.testbed.rounds import rounds

pytestmark = pytest.mark.rest

NAMES = [f"r{number}.lab" for number in range(6)]
WITH_SYSTEM = NAMES[:2]
VLANS = [vlan for vlan in COLUMNS if "." in vlan or ":" in vlan]
_FIRMWARE = "kvm:kernel_path=,initrd_path=,boot_order=network"
QUICK = "--shutdown-timeout=0"
ROUNDS = 40
"""So many hold every kind of operation, with a seed chosen for that, and 33 pairs of one and the
next on the same guest."""
KINDS = {
    "add", "change", "crash", "failover", "failover_stopped", "hot_add", "hot_remove", "limit",
    "migrate", "reboot", "remove", "start", "stop",
}  # fmt: skip


class Operations:
    """The cluster and what must be there; every method is one operation and keeps both in step."""

    def __init__(self, cluster: Cluster, dice: random.Random) -> None:
        self.cluster = cluster
        self.dice = dice
        self.guests: dict[str, Guest] = {}
        self.home: dict[str, int] = {}
        """The primary node, also of a stopped guest."""

    def add(self, name: str) -> None:
        node, vlan = self.dice.randint(1, 3), self.dice.choice(VLANS)
        firmware = [] if name in WITH_SYSTEM else ["-H", _FIRMWARE]
        self.cluster.gnt(
            "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
            "-n", f"node{node}.lab", *firmware, "--net", f"0:link=br0,vlan={vlan}", name,
        )  # fmt: skip
        self.guests[name] = Guest(node, [vlan])
        self.home[name] = node

    def remove(self, name: str) -> None:
        self.cluster.gnt("instance", "remove", "--force", QUICK, name)
        del self.guests[name]

    def stop(self, name: str) -> None:
        self.cluster.gnt("instance", "stop", "--timeout=0", name)
        self.guests[name].node = 0

    def start(self, name: str) -> None:
        self.cluster.gnt("instance", "start", name)
        self.guests[name].node = self.home[name]

    def reboot(self, name: str) -> None:
        self.cluster.gnt("instance", "reboot", "--type=hard", QUICK, name)

    def migrate(self, name: str) -> None:
        self._move(name, "migrate")

    def failover(self, name: str) -> None:
        self._move(name, "failover", QUICK)

    def _move(self, name: str, *command: str) -> None:
        node = self.dice.choice([n for n in (1, 2, 3) if n != self.home[name]])
        self.cluster.gnt("instance", *command, "--force", "-n", f"node{node}.lab", name)
        self.guests[name].node = self.home[name] = node

    def hot_add(self, name: str) -> None:
        vlan = self.dice.choice(VLANS)
        self._modify(name, f"-1:add,link=br0,vlan={vlan}", hot=True)
        self.guests[name].vlans.append(vlan)

    def hot_remove(self, name: str) -> None:
        index = self.dice.randrange(len(self.guests[name].vlans))
        self._modify(name, f"{index}:remove", hot=True)
        guest = self.guests[name]
        guest.vlans.pop(index)
        # A limit by index is the limit of whoever has that index now.
        guest.limits = {i: rate for i, rate in guest.limits.items() if i < len(guest.vlans)}

    def change(self, name: str) -> None:
        index = self.dice.randrange(len(self.guests[name].vlans))
        vlan = self.dice.choice(VLANS)
        hot = name in WITH_SYSTEM and self.dice.random() < 0.5
        self._modify(name, f"{index}:modify,vlan={vlan}", hot)
        self.guests[name].vlans[index] = vlan

    def limit(self, name: str) -> None:
        """A tag for NIC 0, or its removal: no hook, so reconcile brings it to the port."""
        guest = self.guests[name]
        if 0 in guest.limits:
            tag = f"ovs:nic:0:max_bandwidth:{guest.limits.pop(0) // 10**6}M"
            self.cluster.gnt("instance", "remove-tags", name, tag)
        else:
            rate = self.dice.choice([5, 10, 20])
            self.cluster.gnt("instance", "add-tags", name, f"ovs:nic:0:max_bandwidth:{rate}M")
            guest.limits[0] = rate * 10**6
        self.cluster.node(self.home[name]).run("gnt-ovs", "reconcile")

    def crash(self, name: str) -> None:
        """qemu is killed; Ganeti's files stay, and it starts the guest anew."""
        node = self.cluster.node(self.home[name])
        self.cluster.kill(self.home[name], name)
        time.sleep(0.5)
        self.guests[name].node = 0
        assert "removed tap" in node.run("gnt-ovs", "reconcile").stdout
        check(self.cluster, self.guests)
        self.cluster.gnt("instance", "stop", "--timeout=0", name)
        self.start(name)

    def _modify(self, name: str, net: str, hot: bool) -> None:
        if hot and name in WITH_SYSTEM:
            # NOTE: a guest that still boots ignores the unplugging, and Ganeti gives up half-way.
            self.cluster.guest(self.home[name], name, "true")
        self.cluster.modify(name, net, hot)

    def possible(self, name: str) -> list[str]:
        if name not in self.guests:
            return ["add"]
        guest = self.guests[name]
        if not guest.node:
            return ["start", "start", "remove", "failover_stopped"]
        actions = ["stop", "reboot", "migrate", "failover", "change", "change", "limit", "crash"]
        if len(guest.vlans) < 4:
            actions.append("hot_add")
        if len(guest.vlans) > 1 and name in WITH_SYSTEM:
            actions.append("hot_remove")
        return actions

    def failover_stopped(self, name: str) -> None:
        self._move(name, "failover")
        self.guests[name].node = 0


@pytest.fixture
def operations(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Operations]:
    fixture = Operations(cluster, random.Random(request.getfixturevalue("seed")))
    yield fixture
    for name, guest in fixture.guests.items():
        if guest.node:
            cluster.kill(guest.node, name)
        cluster.gnt("instance", "remove", "--force", QUICK, name, check=False)


@pytest.mark.parametrize("seed", [5380])
def test_many_operations(seed: int, operations: Operations) -> None:
    done: list[str] = []
    kinds: set[str] = set()
    for _ in rounds(ROUNDS):
        name = operations.dice.choice(NAMES)
        action = operations.dice.choice(operations.possible(name))
        done.append(f"{action} {name}")
        kinds.add(action)
        try:
            getattr(operations, action)(name)
            check(operations.cluster, operations.guests)
        except Exception as err:
            raise AssertionError(f"after {len(done)}: {'; '.join(done[-8:])}") from err
    assert len(done) < ROUNDS or kinds == KINDS, f"never done: {KINDS - kinds}; take another seed"
