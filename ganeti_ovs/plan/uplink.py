"""The port of a vSwitch's uplinks: which one stays, and what becomes of it.

A port keeps its row, whatever its name, as long as that is possible: members
are added to and taken from the row, so that the others never leave the
datapath and a bond keeps its active member.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ganeti_ovs.model.operations import Insert, Mutate, Mutation, at
from ganeti_ovs.model.rows import MTU_BEFORE, Bridge, Interface, Named, Port, Root, Uuid
from ganeti_ovs.model.vswitch import VSwitch, bond_name
from ganeti_ovs.plan.changes import Change, Kind
from ganeti_ovs.plan.columns import (
    claim,
    compare,
    interface_columns,
    marks,
    names,
    new_row,
    port_columns,
    write,
)
from ganeti_ovs.plan.current import Current, Host, clearable
from ganeti_ovs.plan.mtu import compare_mtu

if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operations

Reference = Uuid | Named


def kept_ports(
    wanted: Iterable[VSwitch], current: Current, devices: frozenset[str]
) -> dict[str, Port]:
    """vSwitch -> the Port row that goes on being the port of its uplinks.

    First the ports that are on the vSwitch already, then those that come from
    another one with all their members (but not a bond with the other one's name).
    """
    kept: dict[str, Port] = {}
    for switch in wanted:
        bridge = current.bridges.get(switch.name)
        if bridge and switch.uplinks:
            _keep(kept, switch, current.ports_of(bridge), current, devices)
    taken = {port.uuid for port in kept.values()}
    for switch in wanted:
        if switch.name in kept:
            continue
        places = filter(None, map(current.place, switch.uplinks))
        coming = [
            port
            for _bridge, port in places
            if port.uuid not in taken
            and port.name in switch.uplinks
            and set(current.members(port)) <= set(switch.uplinks)
        ]
        _keep(kept, switch, coming, current, devices)
    return kept


def _keep(
    kept: dict[str, Port],
    switch: VSwitch,
    ports: list[Port],
    current: Current,
    devices: frozenset[str],
) -> None:
    rated = []
    for port in ports:
        members = set(current.members(port))
        common = len(members & set(switch.uplinks))
        name = port.name
        # NOTE: a port's name cannot be changed, and a device needs its name for itself as soon
        # as it is not in this port any more.
        free = name in switch.uplinks or (name not in devices and name not in members)
        if free and (common or port.ours) and not current.guest(port):
            rated.append((-common, not port.ours, name, port))
    if rated:
        kept[switch.name] = min(rated, key=lambda one: one[:3])[3]


class Uplink:
    """Operations for the uplinks of one vSwitch; `suffix` keeps names of new rows apart."""

    def __init__(self, switch: VSwitch, current: Current, host: Host, suffix: str) -> None:
        self.switch = switch
        self.operations: Operations = []
        self.changes: list[Change] = []
        self.kept: list[str] = []
        """What somebody else has set, and stays; in words."""
        self.mtus: dict[str, int] = {}
        """Devices whose MTU changes -> what they are to have (bytes)."""
        self._current, self._host = current, host
        self._suffix = suffix

    def make(self) -> Named:
        """A new port: the reference to it."""
        switch = self.switch
        name = bond_name(switch.name) if switch.bond else switch.uplinks[0]
        reference = Named(f"uplink{self._suffix}")
        columns = port_columns(switch)
        row = {
            "name": name,
            "interfaces": frozenset(self._member(device) for device in switch.uplinks),
            "external_ids": marks(names([*columns, *interface_columns(switch)])),
            **new_row(columns),
        }
        self.operations.append(Insert(Port.table, reference, row))
        self.changes.append(Change(Kind.PORT_MADE, switch.name, name, names=switch.uplinks))
        return reference

    def change(self, port: Port) -> None:
        """The port as it is made right, in its row."""
        switch, name = self.switch, port.name
        members = self._current.members(port)
        own = clearable(port, switch)
        now_own: set[str] = set(own)
        add = [device for device in switch.uplinks if device not in members]
        drop = [device for device in members if device not in switch.uplinks]
        if add or drop:
            new = [self._member(device) for device in add]
            old = [members[device].uuid for device in drop]
            self.operations.append(_members(port, old, new))
            self.changes += [
                Change(Kind.UPLINK_ADDED, switch.name, device, new=name) for device in add
            ]
            for device in drop:
                self.changes.append(Change(Kind.UPLINK_REMOVED, switch.name, device, old=name))
        for device in switch.uplinks:
            if device in members:
                row = members[device]
                difference, operations = compare_mtu(row, switch, own, self.mtus, device)
                self.operations += operations
                self.changes += difference.changes
                self.kept += [f"{device}: {words}" for words in difference.kept]
                now_own |= difference.own
        difference = compare(port, port_columns(switch), own, switch.name, name)
        if add and len(members) == 1:
            active = _stays_active(next(iter(members.values())))
            difference = replace(difference, columns={**difference.columns, **active})
        self.operations += write(port, difference)
        self.changes += difference.changes
        self.kept += [f"{name}: {words}" for words in difference.kept]
        if not port.ours:
            self.changes.append(Change(Kind.PORT_ADOPTED, switch.name, name))
        if add or switch.mtu is not None:
            now_own.add("mtu")
        self.operations += claim(port, frozenset(now_own | difference.own))

    def _member(self, device: str) -> Reference:
        row = self._current.interfaces.get(device)
        if row is None:
            reference = Named(f"member{self._suffix}_{self.switch.uplinks.index(device)}")
            new = {"name": device, **new_row(interface_columns(self.switch))}
            if self.switch.mtu is not None:
                had = self._host.mtus.get(device, "")
                new["external_ids"] = {MTU_BEFORE: str(had)}
                self.mtus[device] = self.switch.mtu
            self.operations.append(Insert(Interface.table, reference, new))
            return reference
        place = self._current.place(device)
        own = clearable(place[1], self.switch) if place else set()
        self.operations += compare_mtu(row, self.switch, own, self.mtus, device)[1]
        return row.uuid


def _stays_active(member: Interface) -> dict[str, object]:
    """Columns with which a new bond begins with the member that was the uplink before.

    NOTE: ovs-vswitchd takes any member else, and what still comes in by the other is dropped.
    Open vSwitch 3.1.0 forgets the column when it makes a bond; 3.1.6 and 3.5 have that right.
    """
    return {} if member.mac_in_use is None else {"bond_active_slave": member.mac_in_use}


def take_out(devices: list[str], bridge: Bridge, port: Port, current: Current) -> Mutate:
    """The operation that takes devices out of a port, or the port off if it has no others."""
    members = current.members(port)
    if set(members) <= set(devices):
        return bridge_ports(bridge, "delete", port.uuid)
    return _members(port, [members[device].uuid for device in devices], [])


def bridge_ports(bridge: Bridge, mutator: str, port: Reference) -> Mutate:
    """The operation that puts a port on a bridge ("insert") or takes it off ("delete")."""
    mutation = Mutation("ports", mutator, frozenset({port}))
    return Mutate(bridge.table, at(bridge.uuid), (mutation,))


def bridges(mutator: str, bridge: Reference) -> Mutate:
    """The operation that adds a bridge ("insert") or removes it ("delete")."""
    return Mutate(Root.table, None, (Mutation("bridges", mutator, frozenset({bridge})),))


def _members(port: Port, old: list[Uuid], new: list[Reference]) -> Mutate:
    mutations = []
    if new:
        mutations.append(Mutation("interfaces", "insert", frozenset(new)))
    if old:
        mutations.append(Mutation("interfaces", "delete", frozenset(old)))
    return Mutate(port.table, at(port.uuid), tuple(mutations))
