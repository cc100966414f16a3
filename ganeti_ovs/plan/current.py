"""vSwitches as they are: whole rows of Open vSwitch's database, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganeti_ovs.model.rows import Bridge, Controller, Interface, Marked, Port, Root, Tables
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.model.vswitch import VSwitch

SETTINGS_KEY = "ganeti-ovs-settings"
"""external_ids key of a Bridge or Port: the settings in that row that are ours, by spaces.

A row that somebody else made and we adopted has settings of its own; only those
that we have written are ever cleared.
"""


@dataclass(frozen=True)
class Host:
    """What the node has besides Open vSwitch."""

    devices: frozenset[str]
    """All its network interfaces."""
    carries: Mapping[str, str] = field(default_factory=dict)
    """Interface -> what of the node's own depends on it, in words."""
    leftovers: frozenset[str] = frozenset()
    """Devices that Open vSwitch has made for vSwitches of ours, and that may have outlived them."""
    mtus: Mapping[str, int] = field(default_factory=dict)
    """Interface -> its MTU (bytes), at least for those that are to be uplinks."""
    links: Mapping[str, bool] = field(default_factory=dict)
    """Device that is to be an uplink, and is set up -> whether it has a carrier."""
    inside: frozenset[str] = frozenset()
    """Devices on vSwitches that lead to others on this node alone: taps, veths."""


class Current:
    """All of it; what is not whole is left out. `running`: tap of a running guest -> its instance,
    for guests whose ports are not ours (yet).
    """

    def __init__(self, tables: Tables, running: Mapping[str, str] | None = None) -> None:
        self._running = running or {}
        ports = self._ports = tables.of(Port)
        interfaces = self._interfaces = tables.of(Interface)
        bridges = tables.of(Bridge).values()
        self.bridges = {bridge.name: bridge for bridge in bridges}
        self._tables = tables
        self.ports = {port.name: port for port in ports.values()}
        self.interfaces = {row.name: row for row in interfaces.values()}
        self._port_of = {one: port for port in ports.values() for one in port.interfaces}
        self._bridge_of = {one: bridge for bridge in bridges for one in bridge.ports}

    def ports_of(self, bridge: Bridge) -> list[Port]:
        """Its ports in the order of their names, but for the internal one of its own name."""
        there = [self._ports[one] for one in bridge.ports if one in self._ports]
        others = [port for port in there if port.name != bridge.name]
        return sorted(others, key=lambda port: port.name)

    def members(self, port: Port) -> dict[str, Interface]:
        """The port's Interface rows by name, in the order of their names."""
        there = [self._interfaces[one] for one in port.interfaces if one in self._interfaces]
        return {row.name: row for row in sorted(there, key=lambda row: row.name)}

    def place(self, device: str) -> tuple[Bridge, Port] | None:
        """(Bridge, Port) that `device` is on."""
        interface = self.interfaces.get(device)
        port = self._port_of.get(interface.uuid) if interface else None
        bridge = self._bridge_of.get(port.uuid) if port else None
        return (bridge, port) if bridge and port else None

    def used_by(self, host: Host, bridge: Bridge) -> list[tuple[str, int]]:
        """The bridge's internal interfaces that the node itself uses, each with its VLAN (0: none).

        Not only the one of the bridge's name: others are for addresses in other VLANs.
        """
        local = self.ports.get(bridge.name)
        return [
            (name, port.tag or 0)
            for port in [*([local] if local else []), *self.ports_of(bridge)]
            for name, row in self.members(port).items()
            if name in host.carries and (row.type == "internal" or name == bridge.name)
        ]

    def guest(self, port: Port) -> str:
        """Whose it is, if it is a guest's port: `tap0 (inst1.lab, NIC 0)`, or `tap0 (inst1.lab)` if
        stock Ganeti has made it; else empty.
        """
        members = self.members(port)
        for name, row in members.items():
            if row.ours:
                ids = row.external_ids
                return f"{name} ({ids.get('ganeti-instance')}, NIC {ids.get('ganeti-nic')})"
        stock = (name for name in members if name in self._running)
        return next((f"{name} ({self._running[name]})" for name in stock), "")

    def guests(self, bridge: Bridge) -> dict[str, Port]:
        """The guests' ports, in the order of their names, by what `guest` says."""
        return {words: one for one in self.ports_of(bridge) if (words := self.guest(one))}

    def guests_of_ours(self, bridge: Bridge) -> list[Port]:
        """Those of them that are ours to be changed."""
        ports = self.guests(bridge).values()
        return [port for port in ports if any(row.ours for row in self.members(port).values())]

    def foreign(self) -> frozenset[str]:
        """Interfaces on ports of others, which are not guests'."""
        return frozenset(
            name
            for bridge in self.bridges.values()
            for port in self.ports_of(bridge)
            if not (port.ours or self.guest(port))
            for name, row in self.members(port).items()
            if row.type != "internal"
        )

    def mirrored_to(self, port: Port) -> bool:
        """True if a mirror's copies go to it: nothing else does."""
        mirrors = self._tables.get("Mirror", {}).values()
        return any(one.columns.get("output_port") == port.uuid for one in mirrors)

    def controlled(self, bridge: Bridge) -> bool | None:
        """Whether a controller is connected; None without one."""
        rows = self._tables.of(Controller)
        found = [rows[one] for one in bridge.controller if one in rows]
        return any(one.is_connected for one in found) if found else None

    def datapath_types(self) -> frozenset[str]:
        """Those that ovs-vswitchd has; none if it has not said."""
        roots = self._tables.of(Root).values()
        return frozenset(one for root in roots for one in root.datapath_types)


def own_settings(row: Marked) -> set[str]:
    """Names of the settings in this row that we have written."""
    return set(row.external_ids.get(SETTINGS_KEY, "").split())


def clearable(row: Marked, switch: VSwitch) -> set[str]:
    """Names of the settings in this row, or its interfaces', that may be cleared."""
    tables = (row.table, Interface.table)
    places = {name: SETTINGS[name].place for name in switch.cleared}
    cleared = {name for name, place in places.items() if place and place.table in tables}
    return own_settings(row) | cleared
