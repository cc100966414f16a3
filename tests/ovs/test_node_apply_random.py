"""Documents one after the other, at random: each ends as written, or as if it had never been."""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vswitch import check_together, vswitch
from tests.ovs.nodeapply import Node, Wanted, answer
from tests.ovs.support import environ, wanted
from tests.testbed.frames import exchange
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

pytestmark = pytest.mark.rest

STEPS = 12
GUESTS = {"tap0": "br0", "tap1": "br1"}


def document(chance: random.Random, third: str) -> Wanted:
    """br0 and br1, which guests use, and perhaps one more, on five devices."""
    while True:
        devices = [f"e{number}" for number in range(5)]
        chance.shuffle(devices)
        wish: Wanted = {}
        for name in ("br0", "br1", third)[: chance.choice((2, 3))]:
            count = chance.randint(0, 3)
            chosen, devices = devices[:count], devices[count:]
            values = {"datapath_type": "netdev"}
            if chosen:
                values["uplinks"] = "+".join(chosen)
            if len(chosen) > 1:
                values["bond_mode"] = chance.choice(("balance-slb", "active-backup"))
            for setting, value in (("trunks", "10+20"), ("mtu", "1400"), ("mcast_snooping", "yes")):
                if chance.random() < 0.4:
                    values[setting] = value
            wish[name] = values
        try:
            check_together([vswitch(name, values) for name, values in wish.items()])
        except BadInput:
            continue
        return wish


def guests_numbers(ovs: OpenVSwitch) -> dict[str, int]:
    return {row["name"]: row["ofport"] for row in ovs.rows("Interface") if row["name"] in GUESTS}


@pytest.mark.parametrize("seed", [1, 5])
def test_any_document_after_any_other(seed: int, ovs: OpenVSwitch, product: Product) -> None:
    chance = random.Random(seed)
    node = Node(ovs, product)
    with ExitStack() as stack:
        names = [*(f"e{number}" for number in range(5)), *GUESTS]
        taps = {name: stack.enter_context(Tap(name)) for name in names}
        ovs.vsctl("add-port", "br0", "e0", "--", "add-bond", "br1", "hand", "e1", "e2")
        for tap, switch in GUESTS.items():
            assert product.run(environ(ovs, tap, VLAN=".10", LINK=switch)).returncode == 0
        numbers = guests_numbers(ovs)
        for step in range(STEPS):
            wish, before = document(chance, f"sw{seed}"), wanted(ovs)
            if chance.random() < 0.4:
                with node.start(wish, "--force", "--confirm", "30") as process:
                    assert answer(process)["applied"] is True
                    out, _ = process.communicate("no\n", timeout=60)
                assert "everything is as it was before" in out
                assert wanted(ovs) == before, wish
            else:
                assert node.json(wish, "--force")["applied"] is True
                assert node.run(wish)[0] == ["nothing to do"], wish
                for number, (tap, switch) in enumerate(GUESTS.items()):
                    uplinks = wish[switch].get("uplinks", "").split("+")
                    (heard,) = exchange(taps, {step * 10 + number + 1: (tap, ())}, 0.3).values()
                    if uplinks != [""]:
                        assert len(heard) == 1 and set(heard) <= set(uplinks), (wish, heard)
            assert guests_numbers(ovs) == numbers, wish
