"""The node is reconciled while guests start, stop, move and are changed: chances, many rounds.

By whom, when and how slow ovs-vswitchd is then, is by chance; what must hold is not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest

from tests.ovs.node import Node, good, nic, ports
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.rounds import chances, rounds

pytestmark = pytest.mark.rest


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    """With two guests that stay, on tap0 and tap1. Nobody gives up for a slow machine."""
    ovs.environ["GANETI_OVS_TIMEOUT"] = "60"
    fixture = Node(ovs, product)
    try:
        fixture.start(nic(0, "tap0", 10))
        fixture.start(nic(1, "tap1", 11))
        yield fixture
    finally:
        fixture.close()


def changed(node: Node, instance: str, chance: random.Random) -> dict[str, str]:
    """The NIC of the guest with another VLAN than it has."""
    old = node.nics[instance]
    vlans = [vlan for vlan in range(100, 200) if f".{vlan}" != old["VLAN"]]
    return {**old, "VLAN": f".{chance.choice(vlans)}"}


def wait_tag(node: Node, tap: str, vlan: int) -> None:
    """Until a call has written it: it is at work then, and holds the locks."""
    wait_until(lambda: ports(node.ovs)[tap]["tag"] == [vlan], f"VLAN {vlan} of {tap}")


def test_two_modified_guests(node: Node) -> None:
    chance = chances()
    for _ in rounds(8):
        news = [changed(node, name, chance) for name in ("inst0.lab", "inst1.lab")]
        calls = [
            node.later(chance.uniform(0, 0.1), node.hook, "instance-modify", one) for one in news
        ]
        for call in calls:
            good(call.result())
        node.nics = {one["INSTANCE"]: one for one in news}
        node.check()
        assert good(node.reconcile()).stdout == "nothing to do\n"


def test_one_guest_modified_twice(node: Node) -> None:
    """The second call begins when the first one is at work, and has the last word."""
    chance = chances()
    for _ in rounds(6):
        first = changed(node, "inst0.lab", chance)
        with node.slow(chance.uniform(0.2, 0.4)):
            calls = [node.pool.submit(node.hook, "instance-modify", first)]
            wait_tag(node, "tap0", int(first["VLAN"][1:]))
            node.nics["inst0.lab"] = first
            second = changed(node, "inst0.lab", chance)
            calls.append(node.later(chance.uniform(0, 0.1), node.hook, "instance-modify", second))
        for call in calls:
            good(call.result())
        node.nics["inst0.lab"] = second
        node.check()
        assert good(node.reconcile()).stdout == "nothing to do\n"


class Life:
    """What happens to guests on tap2; each of its methods may find one there, or none."""

    def __init__(self, node: Node, chance: random.Random) -> None:
        self.node, self.chance = node, chance
        self._number = 1

    def happen(self) -> str:
        """One of them; its name."""
        events: list[Callable[[], None]] = [self.modify]
        if self._guest():
            events += [self.stop, self.crash, self.replace, self.replace]
        else:
            events += [self.start, self.migrate]
        event = self.chance.choice(events)
        event()
        return event.__name__

    def start(self) -> None:
        one = self._new()
        self.node.start(one)
        good(self.node.hook("instance-start", one))

    def migrate(self) -> None:
        """The guest comes long after its network script."""
        one = self._new()
        self.node.start(one, held_back=self.chance.uniform(0, 0.3))
        good(self.node.hook("instance-migrate", one))

    def stop(self) -> None:
        good(self.node.hook("instance-stop", self.node.stop(self._guest())))

    def crash(self) -> None:
        self.node.stop(self._guest(), crash=True)

    def replace(self) -> None:
        """The name of the tap is used anew before anybody has tidied up."""
        self.node.stop(self._guest(), crash=self.chance.random() < 0.5)
        self.chance.choice([self.start, self.migrate])()

    def modify(self) -> None:
        one = changed(self.node, self.chance.choice(sorted(self.node.nics)), self.chance)
        good(self.node.hook("instance-modify", one))
        self.node.nics[one["INSTANCE"]] = one

    def _guest(self) -> str:
        found = [name for name, one in self.node.nics.items() if one["INTERFACE"] == "tap2"]
        return found[0] if found else ""

    def _new(self) -> dict[str, str]:
        self._number += 1
        return nic(self._number, "tap2", self.chance.randrange(200, 300))


@pytest.mark.parametrize(("slow", "default"), [(0.0, 8), (1.5, 3)])
def test_guests_come_and_go(slow: float, default: int, node: Node) -> None:
    chance = chances()
    life = Life(node, chance)
    for number in rounds(default):
        with node.slow(chance.uniform(0, slow)):
            calls = [
                node.later(chance.uniform(0, 0.25), chance.choice([node.reconcile, node.watcher]))
                for _ in range(2)
            ]
            what = life.happen()
        print(f"round {number}: {what}")
        for call in calls:
            good(call.result())
        node.check(others=True)
        node.settle()


@pytest.mark.parametrize("anew", [False, True])
def test_two_wait_while_a_guest_starts(anew: bool, node: Node) -> None:
    """They begin before the guest, or before its tap's name is used anew, and end after it."""
    chance = chances()
    for number in rounds(2):
        node.start(nic(100 + number, "tap2", 50))
        if not anew:
            node.stop(f"inst{100 + number}.lab")
            node.settle()
        node.ovs.vsctl("set", "port", "tap0", "tag=99")
        if anew:
            node.ovs.vsctl("set", "port", "tap2", "tag=98")
        new = nic(200 + number, "tap2", 60)
        with node.slow(2.0):
            calls = [
                node.later(chance.uniform(0, 0.1), node.reconcile),
                node.later(chance.uniform(0, 0.1), chance.choice([node.reconcile, node.watcher])),
            ]
            wait_tag(node, "tap0", 10)
            # The database shows no waiting locks; a moment lets the second ask for its own.
            time.sleep(chance.uniform(0.1, 0.8))
            if anew:
                node.stop(f"inst{100 + number}.lab", crash=True)
            node.start(new)
        for call in calls:
            good(call.result())
        node.check(others=True)
        node.settle()
        node.stop(new["INSTANCE"])
        node.settle()
