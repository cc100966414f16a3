"""MTUs of devices after a change: those that Open vSwitch does not set itself are set, and all
are looked at.

NOTE: it does not set a device back when its mtu_request is cleared.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic, sleep

from ganeti_ovs.linux.link import Link
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node.checkpoint import Device

_SETTLE = 2.0
"""Seconds in which all must be right: a vSwitch's own interface follows the others."""


def set_mtus(devices: Iterable[Device]) -> list[str]:
    """Give the devices the MTUs that they are to have; those that have not got them, in words."""
    left = [device for device in devices if device.new_mtu]
    deadline = monotonic() + _SETTLE
    while True:
        problems = {device: words for device in left if (words := _set(device))}
        if not problems or monotonic() > deadline:
            return [*problems.values()]
        left = [*problems]
        sleep(0.02)


def _set(device: Device) -> str:
    """Why it has not got its MTU; "" if it has, or has gone."""
    link = None
    try:
        link = Link(device.name)
        if link.index != device.index or link.mtu == device.new_mtu:
            return ""
        link.set_mtu(device.new_mtu)
        link.close()
        link = Link(device.name)
        if link.mtu == device.new_mtu:
            return ""
    except Error as err:
        return "" if link is None else f"{err}; its MTU is {link.mtu}, not {device.new_mtu}"
    finally:
        if link is not None:
            link.close()
    return f"{device.name} has an MTU of {link.mtu}, not {device.new_mtu}"
