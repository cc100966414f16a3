"""The node's network interfaces as the kernel has them: set up, carrier, MTU."""

from __future__ import annotations

from collections.abc import Mapping
from struct import calcsize, unpack_from
from typing import Any

from ganeti_ovs.linux.asking import in_time, raw, undecoded
from ganeti_ovs.linux.link import (
    HEADER_SIZE,
    IFF_UP,
    IFINFO,
    IFLA_IFNAME,
    IFLA_MTU,
    attributes,
    interfaces,
)
from ganeti_ovs.model.reported import Device

_LIMIT = 2.0
"""Seconds."""
_IFLA_CARRIER = 33
_IFF_LOWER_UP = 1 << 16


def devices() -> dict[str, Device]:
    """All of them, by name. Raises Error."""
    return in_time(_devices, _LIMIT, "the node's network interfaces")


def still_there(seen: Mapping[str, Device]) -> dict[str, Device]:
    """Those of `seen` that have not gone, or been made anew, since."""
    now = interfaces()
    return {name: one for name, one in seen.items() if now.get(name) == one.index}


def _devices() -> dict[str, Device]:
    from pyroute2 import IPRoute, NetlinkDumpInterrupted

    for last in (False,) * 4 + (True,):
        try:
            with IPRoute() as kernel, undecoded(kernel):
                return dict(map(_device, kernel.get_links()))
        except NetlinkDumpInterrupted:
            if last:
                raise  # They come and go all the time.
    return {}


def _device(message: Any) -> tuple[str, Device]:
    """(name, the device) of a message RTM_NEWLINK."""
    data = raw(message)
    _family, _type, index, flags, _change = unpack_from(IFINFO, data, HEADER_SIZE)
    name, mtu, carrier = "", 0, bool(flags & _IFF_LOWER_UP)
    for kind, start, end in attributes(data, HEADER_SIZE + calcsize(IFINFO), len(data)):
        if kind == IFLA_IFNAME:
            name = data[start:end].rstrip(b"\0").decode(errors="replace")
        elif kind == IFLA_MTU:
            mtu = unpack_from("=I", data, start)[0]
        elif kind == _IFLA_CARRIER:
            carrier = data[start] == 1
    return name, Device(index, bool(flags & IFF_UP), carrier, mtu)
