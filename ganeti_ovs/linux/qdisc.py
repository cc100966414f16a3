"""What the kernel limits on guests' taps, by the qdiscs that ovs-vswitchd gives them.

What a guest receives leaves the node by its tap: Open vSwitch shapes it by an htb qdisc, queue 0
being class 1:1. What it sends comes in by the tap: a filter of the ingress qdisc polices it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import calcsize, unpack_from
from typing import Any

from ganeti_ovs.linux.asking import in_time, raw, undecoded
from ganeti_ovs.linux.link import HEADER_SIZE, attributes
from ganeti_ovs.model.reported import Limits

_LIMIT = 2.0
"""Seconds."""
# Formats and numbers of linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h.
_TCMSG = "=BxxxiIII"
_BODY = HEADER_SIZE + calcsize(_TCMSG)
_KIND, _OPTIONS = 1, 2
"""Attributes of a qdisc, a class, a filter, and of an action in one."""
_HTB_PARMS, _HTB_CEIL64, _CEIL_AT = 1, 7, 12 + 8
"""Attributes of a class; where struct tc_htb_opt has the rate of its ceil (tc_ratespec)."""
_POLICE_TBF, _POLICE_RATE64, _RATE_AT = 1, 8, 20 + 8
"""Attributes of a policer; where struct tc_police has its rate."""
_DEFAULT_CLASS = 1
"""Minor number of the class of queue 0 (lib/netdev-linux.c)."""
_INGRESS = 0xFFFF0000
_DEEPEST = 6
"""How far attributes are nested in a filter: its options, its actions, one of them, its own."""


def limits(devices: Mapping[str, int]) -> dict[str, Limits]:
    """What there is on each of these (name -> ifindex). Raises Error."""
    return in_time(lambda: _limits(devices), _LIMIT, "the limits of guests' taps")


def _limits(devices: Mapping[str, int]) -> dict[str, Limits]:
    from pyroute2 import IPRoute

    with IPRoute() as kernel, undecoded(kernel):
        kinds: dict[int, set[str]] = {}
        for message in kernel.get_qdiscs():
            data = raw(message)
            kinds.setdefault(index_of(data), set()).add(kind_of(data))
        return {
            name: Limits(
                sends=_policed(kernel, index) if "ingress" in kinds.get(index, ()) else 0,
                receives=_shaped(kernel, index) if "htb" in kinds.get(index, ()) else 0,
                foreign="clsact" in kinds.get(index, ()),
            )
            for name, index in devices.items()
        }


def _shaped(kernel: Any, index: int) -> int:
    return max((ceil_of(raw(one)) for one in kernel.get_classes(index)), default=0)


def _policed(kernel: Any, index: int) -> int:
    return max((police_of(raw(one)) for one in kernel.get_filters(index, 0, _INGRESS)), default=0)


def index_of(data: bytes) -> int:
    """The interface that a message is about."""
    index: int = unpack_from(_TCMSG, data, HEADER_SIZE)[1]
    return index


def kind_of(data: bytes) -> str:
    """Of a qdisc, a class or a filter; "" if it is not told."""
    for kind, start, end in attributes(data, _BODY, len(data)):
        if kind == _KIND:
            return _text(data, start, end)
    return ""


def ceil_of(data: bytes) -> int:
    """bit/s of the class of queue 0, in a message about a class; 0 of any other."""
    handle = unpack_from(_TCMSG, data, HEADER_SIZE)[2]
    if kind_of(data) != "htb" or handle & 0xFFFF != _DEFAULT_CLASS:
        return 0
    return max(_rates(data, _BODY, len(data)), default=0)


def _rates(data: bytes, first: int, last: int) -> Iterator[int]:
    for kind, start, end in attributes(data, first, last):
        if kind == _OPTIONS:
            for inner, begin, stop in attributes(data, start, end):
                if inner == _HTB_PARMS and stop - begin >= _CEIL_AT + 4:
                    yield unpack_from("=I", data, begin + _CEIL_AT)[0] * 8
                elif inner == _HTB_CEIL64 and stop - begin >= 8:
                    yield unpack_from("=Q", data, begin)[0] * 8


def police_of(data: bytes) -> int:
    """bit/s of the policer in a message about a filter; 0 if it has none.

    NOTE: it is an action of a filter of any kind, as deep in as that has it.
    """
    return max(_polices(data, _BODY, len(data), 0), default=0)


def _polices(data: bytes, first: int, last: int, depth: int) -> Iterator[int]:
    found = [*attributes(data, first, last)]
    named = any(kind == _KIND and _text(data, start, end) == "police" for kind, start, end in found)
    for kind, start, end in found:
        if named and kind == _OPTIONS:
            yield _rate(data, start, end)
        elif depth < _DEEPEST and end - start >= 8 and end <= last:
            yield from _polices(data, start, end, depth + 1)


def _rate(data: bytes, first: int, last: int) -> int:
    rate = 0
    for kind, start, end in attributes(data, first, last):
        if kind == _POLICE_TBF and end - start >= _RATE_AT + 4:
            rate = max(rate, unpack_from("=I", data, start + _RATE_AT)[0])
        elif kind == _POLICE_RATE64 and end - start >= 8:
            rate = max(rate, unpack_from("=Q", data, start)[0])
    return rate * 8


def _text(data: bytes, start: int, end: int) -> str:
    return data[start:end].rstrip(b"\0").decode(errors="replace")
