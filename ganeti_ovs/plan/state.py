"""How a node's vSwitches are at this moment: links, bonds, LACP and MTUs, as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.plan.found import Found, numbers, only, ours

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ganeti_ovs.plan.found import Row, Tables


def states(tables: Tables, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The vSwitches `names`, those that are there, from one reading.

    For each: `datapath_type`; `ports`, by name those of its uplinks, with `trunks`, `members`
    and, of a bond, `bond`; `guest_mtu`, the greatest of its guests' ports (bytes, None without
    guests); `cut`, the guests' VLANs that the uplinks' trunks keep back, in words.

    A member has link ("up", "down"), mtu and mtu_request (bytes), ofport, error, and
    lacp_current (True: the other side answers; None: no LACP); a bond has mode, lacp, active (the
    member that active-backup uses) and negotiated (None without LACP).
    """
    found = Found(tables)
    return {name: _switch(found.bridges[name], found) for name in names if name in found.bridges}


def _switch(bridge: Row, found: Found) -> dict[str, Any]:
    ports = found.ports_of(bridge)
    guests = {words: port for port in ports if (words := found.guest(port))}
    uplinks = [port for port in ports if ours(port) and not found.guest(port)]
    mtus = [
        only(row["mtu"]) or 0 for port in guests.values() for row in found.members(port).values()
    ]
    return {
        "datapath_type": bridge["datapath_type"] or "system",
        "ports": {str(port["name"]): _port(port, found) for port in uplinks},
        "guest_mtu": max(mtus, default=None),
        "cut": _cut(guests, uplinks),
    }


def _port(port: Row, found: Found) -> dict[str, Any]:
    rows = found.members(port)
    members = {
        name: {
            "link": only(row["link_state"]) or "down",
            "mtu": only(row["mtu"]),
            "mtu_request": only(row["mtu_request"]),
            "ofport": only(row["ofport"]),
            "error": only(row["error"]),
            "lacp_current": only(row["lacp_current"]),
        }
        for name, row in rows.items()
    }
    state: dict[str, Any] = {"members": members, "trunks": list(numbers(port["trunks"]))}
    if len(members) > 1:
        lacp = only(port["lacp"]) or "off"
        active = only(port["bond_active_slave"])
        current = [member["lacp_current"] is True for member in members.values()]
        state["bond"] = {
            "mode": only(port["bond_mode"]) or "active-backup",
            "lacp": lacp,
            "negotiated": None if lacp == "off" else all(current),
            "active": next((n for n, row in rows.items() if row["mac_in_use"] == active), None),
        }
    return state


def _cut(guests: dict[str, Row], uplinks: list[Row]) -> list[str]:
    """VLANs of guests that no uplink lets through; 0 is the untagged network."""
    passing: set[int] = set()
    for port in uplinks:
        trunks = numbers(port["trunks"])
        if not trunks:
            return []
        passing.update(trunks)
    if not uplinks:
        return []
    words = []
    for whose, port in guests.items():
        trunk_of_all = only(port["vlan_mode"]) == "trunk" and not numbers(port["trunks"])
        native = only(port["vlan_mode"]) != "trunk"
        vlans = {*numbers(port["trunks"]), *((only(port["tag"]) or 0,) if native else ())}
        if not trunk_of_all:
            words += [f"{_vlan(vlan)} of {whose}" for vlan in sorted(vlans - passing)]
    return words


def _vlan(vlan: int) -> str:
    return f"VLAN {vlan}" if vlan else "the untagged network"
