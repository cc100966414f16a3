"""How a node's vSwitches are at this moment: links, bonds, LACP and MTUs, as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.plan.current import Current
from ganeti_ovs.plan.cut import ALL, passing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ganeti_ovs.model.rows import Bridge, Port, Tables


def states(tables: Tables, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The vSwitches `names`, those that are there, from one reading.

    For each: `datapath_type`; `ports`, by name those of its uplinks, with `trunks`, `members`
    and, of a bond, `bond`; `guest_mtu`, the greatest of its guests' ports (bytes, None without
    guests); `cut`, the guests' VLANs that the uplinks' trunks keep back, in words.

    A member has link ("up", "down"), mtu and mtu_request (bytes), ofport, error, and
    lacp_current (True: the other side answers; None: no LACP); a bond has mode, lacp, active (the
    member that active-backup uses) and negotiated (None without LACP).
    """
    current = Current(tables)
    return {
        name: _switch(current.bridges[name], current) for name in names if name in current.bridges
    }


def _switch(bridge: Bridge, current: Current) -> dict[str, Any]:
    ports = current.ports_of(bridge)
    guests = {words: port for port in ports if (words := current.guest(port))}
    uplinks = [port for port in ports if port.ours and not current.guest(port)]
    mtus = [row.mtu or 0 for port in guests.values() for row in current.members(port).values()]
    return {
        "datapath_type": bridge.datapath_type or "system",
        "ports": {port.name: _port(port, current) for port in uplinks},
        "guest_mtu": max(mtus, default=None),
        "cut": _cut(guests, uplinks),
    }


def _port(port: Port, current: Current) -> dict[str, Any]:
    rows = current.members(port)
    members = {
        name: {
            "link": row.link_state or "down",
            "mtu": row.mtu,
            "mtu_request": row.mtu_request,
            "ofport": row.ofport,
            "error": row.error,
            "lacp_current": row.lacp_current,
        }
        for name, row in rows.items()
    }
    state: dict[str, Any] = {"members": members, "trunks": sorted(port.trunks)}
    if len(members) > 1:
        lacp, active = port.lacp or "off", port.bond_active_slave
        answering = [row.lacp_current is True for row in rows.values()]
        state["bond"] = {
            "mode": port.bond_mode or "active-backup",
            "lacp": lacp,
            "negotiated": None if lacp == "off" else all(answering),
            "active": next(
                (name for name, row in rows.items() if active and row.mac_in_use == active), None
            ),
        }
    return state


def cut_off(name: str, current: Current, others: Mapping[str, str]) -> list[str]:
    """VLANs of guests of the vSwitch `name` that its uplinks do not let through, in words.

    `others`: whose ports are guests', too, though none of ours, by tap.
    """
    guests, uplinks = {}, []
    for port in current.ports_of(current.bridges[name]):
        members = current.members(port)
        if words := current.guest(port) or "".join(others.get(one, "") for one in members):
            guests[words] = port
        elif port.ours:
            uplinks.append(port)
    how = " and ".join(sorted({*map(_how, uplinks)}))
    return [f"{one} does not pass the uplink ({how})" for one in _cut(guests, uplinks)]


def _how(port: Port) -> str:
    """What keeps VLANs back."""
    trunks = port.vlan_mode == "trunk" or port.tag is None
    return "trunks" if trunks and port.vlan_mode != "access" else f"tag {port.tag or 0}"


def _cut(guests: dict[str, Port], uplinks: list[Port]) -> list[str]:
    """VLANs of guests that no uplink lets through; 0 is the untagged network."""
    if not uplinks:
        return []
    passed = frozenset[int]().union(*map(passing, uplinks))
    words = []
    for whose, port in guests.items():
        vlans = passing(port)
        if vlans == ALL:  # It takes what there is; a hybrid one needs its native VLAN.
            every = port.vlan_mode in (None, "trunk")
            vlans = frozenset() if every else frozenset({port.tag or 0})
        words += [f"{_vlan(vlan)} of {whose}" for vlan in sorted(vlans - passed)]
    return words


def _vlan(vlan: int) -> str:
    return f"VLAN {vlan}" if vlan else "the untagged network"
