"""Who hears whom, and with which tag: real frames between guests' taps."""

from __future__ import annotations

from contextlib import ExitStack

from tests.ovs.support import environ
from tests.testbed.frames import exchange
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

Tags = tuple[int, ...]

# Kind of port: (environment, untagged VLAN or None, tagged VLANs). VLAN 0 is the untagged
# network. The rules below are those of IEEE 802.1Q, not those of the code under test.
ALL = frozenset(range(1, 4095))
KINDS: dict[str, tuple[dict[str, str], int | None, frozenset[int]]] = {
    "access 10": ({"VLAN": ".10"}, 10, frozenset()),
    "access 20": ({"VLAN": "20"}, 20, frozenset()),
    "trunk 10+20": ({"VLAN": ":10:20"}, None, frozenset({10, 20})),
    "trunk all": ({"VLAN": "", "TAGS": "ovs:nic:*:port_type:trunk"}, 0, ALL),
    "hybrid 10, 20+30": ({"VLAN": ".10:20:30"}, 10, frozenset({20, 30})),
    "no VLAN": ({"VLAN": ""}, 0, frozenset()),
}
FRAMES: list[Tags] = [(), (0,), (10,), (20,), (30,), (40,), (10, 20)]


def enters(kind: str, tags: Tags) -> tuple[int, Tags] | None:
    """The VLAN that a frame from a port of `kind` is in, and its inner tags; None: dropped."""
    _, untagged, tagged = KINDS[kind]
    outer, inner = (tags[0], tags[1:]) if tags else (0, ())
    if outer == 0:  # untagged, or priority-tagged, which is the same to a bridge
        return None if untagged is None else (untagged, inner)
    # A hybrid port takes its native VLAN tagged, too.
    if outer in tagged or (outer == untagged and tagged):
        return outer, inner
    return None


def leaves(kind: str, vlan: int, inner: Tags) -> Tags | None:
    """The tags with which a frame in `vlan` leaves by a port of `kind`; None: it does not."""
    _, untagged, tagged = KINDS[kind]
    if vlan == untagged:
        return inner
    return (vlan, *inner) if vlan in tagged else None


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
        entered = enters(kinds[sender], tags)
        for receiver in taps.keys() - {sender}:
            expected = leaves(kinds[receiver], *entered) if entered else None
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
        for vlan, heard in ((".10", {}), (".20", {"tap1": ()}), (".20", {"tap1": ()})):
            with Tap("tap0") as tap:
                assert product.run(environ(ovs, "tap0", VLAN=vlan)).returncode == 0
                taps = {"tap0": tap, "tap1": other}
                assert exchange(taps, {1: ("tap0", ())}) == {1: heard}
                assert exchange(taps, {2: ("tap1", ())}) == {2: {"tap0": ()} if heard else {}}
