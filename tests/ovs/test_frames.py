"""Who hears whom, and with which tag: real frames between guests' taps."""

from __future__ import annotations

from contextlib import ExitStack

from tests.ovs.support import environ
from tests.testbed.frames import exchange
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.rules import ALL_VLANS, Port, Tags, passes
from tests.testbed.tap import Tap

# What the administrator asks for, and what 802.1Q makes of it.
KINDS: dict[str, tuple[dict[str, str], Port]] = {
    "access 10": ({"VLAN": ".10"}, Port(10)),
    "access 20": ({"VLAN": "20"}, Port(20)),
    "trunk 10+20": ({"VLAN": ":10:20"}, Port(None, 10, 20)),
    "trunk all": ({"VLAN": "", "TAGS": "ovs:nic:*:port_type:trunk"}, Port(0, *ALL_VLANS)),
    "hybrid 10, 20+30": ({"VLAN": ".10:20:30"}, Port(10, 20, 30)),
    "no VLAN": ({"VLAN": ""}, Port(0)),
}
FRAMES: list[Tags] = [(), (0,), (10,), (20,), (30,), (40,), (10, 20)]


def test_every_pair_and_every_kind_of_frame(ovs: OpenVSwitch, product: Product) -> None:
    with ExitStack() as stack:
        taps, kinds = {}, {}
        for number, kind in enumerate([*KINDS, *KINDS]):
            name = f"tap{number}"
            taps[name] = stack.enter_context(Tap(name))
            kinds[name] = kind
            done = product.run(environ(ovs, name, **KINDS[kind][0]))
            assert (done.returncode, done.stderr) == (0, "")
        senders = {kind: f"tap{number}" for number, kind in enumerate(KINDS)}
        sent = dict(enumerate([(senders[k], tags) for k in KINDS for tags in FRAMES], start=1))
        arrived = exchange(taps, sent)
    wrong = []
    heard = 0
    for number, (sender, tags) in sent.items():
        for receiver in taps.keys() - {sender}:
            expected = passes(KINDS[kinds[sender]][1], KINDS[kinds[receiver]][1], tags)
            got = arrived[number].get(receiver)
            heard += got is not None
            if got != expected:
                wrong.append(f"{kinds[sender]} {tags} -> {kinds[receiver]}: {got}, not {expected}")
        assert sender not in arrived[number]
    assert not wrong, "\n".join(wrong)
    assert heard > 100


def test_vswitches_do_not_hear_each_other(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0") as one, Tap("tap1") as two, Tap("tap2") as other:
        for tap, link in ((one, "br0"), (two, "br0"), (other, "br1")):
            assert product.run(environ(ovs, tap.name, LINK=link, VLAN=".10")).returncode == 0
        taps = {tap.name: tap for tap in (one, two, other)}
        assert exchange(taps, {1: ("tap0", ())}) == {1: {"tap1": ()}}


def test_a_tap_made_anew_under_the_same_name(ovs: OpenVSwitch, product: Product) -> None:
    """Stop and start of a guest on Ganeti 3.0: the old rows are still there."""
    with Tap("tap1") as other:
        assert product.run(environ(ovs, "tap1", VLAN=".20")).returncode == 0
        for vlan, reached in ((".10", False), (".20", True), (".20", True)):
            with Tap("tap0") as tap:
                assert product.run(environ(ovs, "tap0", VLAN=vlan)).returncode == 0
                arrived = exchange({"tap0": tap, "tap1": other}, {1: ("tap0", ()), 2: ("tap1", ())})
                assert arrived == {
                    1: {"tap1": ()} if reached else {},
                    2: {"tap0": ()} if reached else {},
                }
