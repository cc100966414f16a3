"""What the kernel has said of limits, as it was recorded."""

from __future__ import annotations

from struct import pack

import pytest

from ganeti_ovs.linux.devices import devices
from ganeti_ovs.linux.link import Link, interfaces
from ganeti_ovs.linux.qdisc import ceil_of, index_of, kind_of, limits, police_of

pytest.importorskip("pyroute2")

QDISC = bytes.fromhex(
    "b400000024000200ff000000d3500000000000000300000000000100ffffffff030000000800010068746200"
    "2400020018000200110003000a00000001000000000000000000000008000500e8030000"
)
LEAF = bytes.fromhex(
    "ec0000002800020000010000d3500000000000000300000001000100feff01000000000008000100687462"
    "0034000200300001000001000000000000d01213000001000000000000d0121300f37f0c00204e00004"
    "8e801000000000000000000"
)
ROOT = bytes.fromhex(
    "ec0000002800020000010000d35000000000000003000000feff0100ffffffff0000000008000100687462"
    "0034000200300001000001000000000000d01213000001000000000000d0121300204e0000204e00004"
    "8e801000700000000000000"
)
FILTER = bytes.fromhex(
    "200100002c0002000101000001010000000000000500000001000000f2ffffff000301000d0001006d617463"
    "68616c6c0000000008000b0000000000e400020008000300080000000c0004000500000000000000cc000200"
    "c80001000b000100706f6c696365000044000400140001004001000000000000050000000000000014000700"
    "0000000000000000000000000000000018000300000000000000000000000000000000000000000008000a00"
    "000000006c0002003c000100010000000200000000000000003e4900ffff00000000000000003c00d0121300"
    "00000000000000000000000001000000010000000000000008000500ffffffff240006005206000000000000"
    "980100000000000000000000000000002506000000000000"
)
"""Open vSwitch 3.1's policer of 10 Mbit/s, Linux 6.1."""


def attribute(kind: int, data: bytes) -> bytes:
    """struct rtattr."""
    return pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def police(rate: int, *more: bytes) -> bytes:
    """An action: TCA_ACT_KIND, TCA_ACT_OPTIONS with struct tc_police of `rate` bytes/s."""
    parameters = pack("=IiIII", 1, 2, 0, 1000, 65535) + pack("=BBHhHI", 0, 1, 0, -1, 0, rate)
    options = attribute(1, parameters + bytes(12) + bytes(12))
    return attribute(1, b"police\0") + attribute(2, options + b"".join(more))


def a_filter(kind: str, place: int, *actions: bytes) -> bytes:
    """RTM_NEWTFILTER of `kind` whose options have the actions as attribute `place`."""
    listed = b"".join(attribute(number, one) for number, one in enumerate(actions, 1))
    body = attribute(1, kind.encode() + b"\0") + attribute(2, attribute(place, listed))
    head = pack("=BxxxiIII", 0, 7, 0x800, 0xFFFF0000, 0)
    return pack("=IHHII", 16 + len(head + body), 44, 2, 255, 1) + head + body


def test_a_class() -> None:
    assert (index_of(QDISC), kind_of(QDISC)) == (3, "htb")
    assert (index_of(LEAF), kind_of(LEAF)) == (3, "htb")
    assert ceil_of(LEAF) == 10_000_000
    assert ceil_of(ROOT) == 0, "not the class of queue 0"
    assert ceil_of(QDISC) == police_of(LEAF) == 0


def test_a_filter_of_open_vswitch() -> None:
    assert (index_of(FILTER), kind_of(FILTER)) == (5, "matchall")
    assert police_of(FILTER) == 10_000_000


@pytest.mark.parametrize(("kind", "place"), [("basic", 3), ("matchall", 2)])
def test_a_policer(kind: str, place: int) -> None:
    assert police_of(a_filter(kind, place, police(1_250_000))) == 10_000_000
    fast = police(2**32 - 1, attribute(8, pack("=Q", 5_000_000_000)))
    assert police_of(a_filter(kind, place, fast)) == 40_000_000_000
    other = attribute(1, b"mirred\0") + attribute(2, attribute(1, bytes(60)))
    assert police_of(a_filter(kind, place, other)) == 0
    assert police_of(a_filter(kind, place, other, police(1000))) == 8000
    assert police_of(a_filter(kind, place)) == 0


def test_this_machine() -> None:
    found = devices()
    assert found.keys() == interfaces().keys()
    link = Link("lo")
    assert (found["lo"].index, found["lo"].up, found["lo"].mtu) == (link.index, link.up, link.mtu)
    link.close()
    assert limits({"lo": found["lo"].index})["lo"].receives == 0
