"""What was found of a node's vSwitches, as their status. What is wrong is not said here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.status import BondStatus, SwitchStatus, Uplink
from ganeti_ovs.model.vswitch import settings_of
from ganeti_ovs.plan.actual import actual_settings
from ganeti_ovs.plan.cut import ALL, passing
from ganeti_ovs.plan.flood import blocked

if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Bridge, Interface, Port
    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.found import Found

_KERNELS = ("", "system")
"""Types of interfaces that are devices of the kernel's."""


def switch_statuses(found: Found) -> tuple[SwitchStatus, ...]:
    """All that are there or wanted, in the order of their names."""
    wanted = {switch.name: switch for switch in found.wanted.switches or ()}
    there = found.current.bridges
    return tuple(
        _there(found, there[name], wanted.get(name))
        if name in there
        else SwitchStatus(name, False, False, settings_of(wanted[name]))
        for name in sorted({*wanted, *there})
    )


def uplink_ports(found: Found, bridge: Bridge, wanted: VSwitch | None) -> list[Port]:
    """Its ports for uplinks: those that are ours, and those with devices that are wanted there."""
    devices = set(wanted.uplinks) if wanted else set()
    current = found.current
    return [
        port
        for port in current.ports_of(bridge)
        if not current.guest(port)
        and port.name not in (found.guests or ())
        and (port.ours or devices & set(current.members(port)))
    ]


def _there(found: Found, bridge: Bridge, wanted: VSwitch | None) -> SwitchStatus:
    current, name = found.current, bridge.name
    ports = uplink_ports(found, bridge, wanted)
    uplinks = [one for port in ports for one in _uplinks(found, port)]
    local = current.interfaces.get(name)
    first = ports[0] if ports else None
    members = _in_order(current.members(first), wanted) if first else {}
    controllers = found.columns.controllers.get(name, {})
    names = {port.name for port in ports}
    return SwitchStatus(
        name,
        True,
        bridge.ours,
        settings_of(wanted) if wanted else None,
        actual_settings(bridge, first, members, local),
        datapath_type=bridge.datapath_type or "system",
        works=_works(found, bridge, local),
        fail_mode=bridge.fail_mode or "standalone",
        controllers=tuple(sorted(controllers)),
        controlled=any(controllers.values()) if controllers and found.alive else None,
        rstp=bridge.rstp_enable,
        blocked=_blocked(found, bridge),
        trunks=_passing(ports),
        uplinks=tuple(uplinks),
        bonds=tuple(_bond(found, port) for port in ports if len(port.interfaces) > 1),
        others=tuple(
            port.name
            for port in current.ports_of(bridge)
            if port.name not in names
            and not current.guest(port)
            and port.name not in (found.guests or ())
        ),
    )


def _in_order(members: dict[str, Interface], wanted: VSwitch | None) -> dict[str, Interface]:
    """In the order in which they are wanted, then by name."""
    order = {name: number for number, name in enumerate(wanted.uplinks if wanted else ())}
    return dict(sorted(members.items(), key=lambda one: (order.get(one[0], len(order)), one[0])))


def _works(found: Found, bridge: Bridge, local: Interface | None) -> bool | None:
    """Whether there is a datapath of its type with its local port."""
    if not found.alive:
        return None
    if local is None or (local.ofport or -1) < 0:
        return False
    if found.asked.datapaths is None:
        return None
    there = found.asked.datapaths.get(bridge.name)
    return (
        there is not None
        and there.type == (bridge.datapath_type or "system")
        and bridge.name in there.ports
    )


def _blocked(found: Found, bridge: Bridge) -> tuple[str, ...]:
    """Without those that mirrors are sent to, as nothing else is."""
    datapath = (found.asked.datapaths or {}).get(bridge.name)
    if datapath is None or found.devices is None:
        return ()
    floods = found.asked.floods.get(bridge.name, {})
    mirrors = found.tables.get("Mirror", {}).values()
    outputs = {one.columns.get("output_port") for one in mirrors}
    ports = found.current.ports_of(bridge)
    aside = {name for one in ports if one.uuid in outputs for name in found.current.members(one)}
    names = blocked(found.current, bridge, datapath, floods, found.devices)
    return tuple(name for name in names if name not in aside)


def _passing(ports: list[Port]) -> tuple[int, ...]:
    """VLANs that these ports let through; none: all."""
    passed = frozenset[int]().union(*map(passing, ports))
    return () if passed == ALL else tuple(sorted(passed))


def _uplinks(found: Found, port: Port) -> list[Uplink]:
    members = found.current.members(port)
    bond = (found.asked.bonds or {}).get(port.name) if len(members) > 1 else None
    lacp = len(members) > 1 and (port.lacp or "off") != "off"
    return [
        Uplink(
            name,
            port.name,
            ofport=row.ofport if found.alive else None,
            error=row.error or "" if found.alive else "",
            link=_link(found, row),
            mtu=mtu(found, name) if row.type in _KERNELS else row.mtu,
            mtu_request=row.mtu_request,
            enabled=bond.enabled.get(name) if bond else None,
            delayed=bond is not None and name in bond.delayed,
            lacp=row.lacp_current is True if lacp and found.alive else None,
        )
        for name, row in members.items()
    ]


def _link(found: Found, row: Interface) -> str:
    """Of an uplink; of one that is no device of the kernel's, what ovs-vswitchd says."""
    if row.type in _KERNELS:
        return link(found, row.name)
    states = {"up": "up", "down": "no carrier"}
    return states.get(row.link_state or "", "") if found.alive else ""


def link(found: Found, device: str) -> str:
    """Of a device, as the kernel has it; "": it was not to be found out."""
    if found.devices is None:
        return ""
    there = found.devices.get(device)
    return there.link if there else "gone"


def mtu(found: Found, device: str) -> int | None:
    """Of a device, in bytes."""
    there = (found.devices or {}).get(device)
    return there.mtu if there else None


def _bond(found: Found, port: Port) -> BondStatus:
    bond = (found.asked.bonds or {}).get(port.name)
    lacp = port.lacp or "off"
    return BondStatus(
        port.name,
        port.bond_mode or "active-backup",
        lacp,
        negotiated=bond.negotiated if bond and lacp != "off" else None,
        active=bond.active if bond else "",
    )
