"""Ports that broadcasts do not leave by, found by asking ovs-vswitchd where one would go.

NOTE: Open vSwitch 3.1 leaves ports blocked for what is flooded when RSTP is switched off, and
shows that nowhere: neither in the database nor by rstp/show (set_rstp, bundle_update in
ofproto/ofproto-dpif.c). A frame that is traced, which has no effect, shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.reported import Datapath, Device
    from ganeti_ovs.model.rows import Bridge, Port
    from ganeti_ovs.plan.current import Current

_MOST = 64
"""VLANs of one vSwitch that are asked for."""
_DEVICES = ("", "system", "tap", "internal")
"""Types of interfaces that are their own device."""


def vlans(current: Current, bridge: Bridge) -> tuple[int, ...]:
    """Those in which a frame from the vSwitch's own port is to be traced."""
    local = current.ports.get(bridge.name)
    if bridge.rstp_enable or bridge.columns.get("stp_enable") or local is None:
        return ()
    if local.vlan_mode is not None or local.tag is not None or local.trunks:
        return ()  # It does not reach all VLANs.
    found = {_vlan(port) for port in current.ports_of(bridge) if _plain(current, port)}
    return tuple(sorted(found)[:_MOST])


def blocked(
    current: Current,
    bridge: Bridge,
    datapath: Datapath,
    floods: Mapping[int, frozenset[int]],
    devices: Mapping[str, Device],
) -> tuple[str, ...]:
    """Its devices with a link that such a frame does not leave by."""
    found = []
    for port in current.ports_of(bridge):
        name = _plain(current, port)
        device, number = devices.get(name), datapath.ports.get(name)
        leaves = floods.get(_vlan(port))
        if device and device.link == "up" and number is not None and leaves is not None:
            found += [] if number in leaves else [name]
    return tuple(found)


def _plain(current: Current, port: Port) -> str:
    """The only device of a port that frames leave by as they are; "" if it is another port.

    Bonds take no part in RSTP.
    """
    members = current.members(port)
    if len(members) != 1 or port.vlan_mode == "dot1q-tunnel":
        return ""
    ((name, row),) = members.items()
    return name if row.type in _DEVICES else ""


def _vlan(port: Port) -> int:
    """One that the port is in; 0: the untagged network."""
    if port.tag is not None and port.vlan_mode != "trunk":
        return port.tag
    return min(port.trunks, default=0) if port.vlan_mode in (None, "trunk") else 0
