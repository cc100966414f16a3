"""The vSwitches of a node: (wanted, rows there are) -> operations, and what they change.

What is there is adopted, not rebuilt; guests' ports are never touched. A vSwitch
of ours that is not wanted any more goes; one of somebody else's stays as it is.
"""

from __future__ import annotations

from ganeti_ovs.model.operations import Insert
from ganeti_ovs.model.rows import Bridge, Interface, Named, Port, Uuid
from ganeti_ovs.model.vswitch import VSwitch, bond_name
from ganeti_ovs.plan import cut
from ganeti_ovs.plan.changes import Change, Kind
from ganeti_ovs.plan.columns import (
    bridge_columns,
    claim,
    compare,
    interface_columns,
    marks,
    names,
    new_row,
    write,
)
from ganeti_ovs.plan.current import Current, Host, clearable
from ganeti_ovs.plan.mtu import compare_mtu, given_back, note_for_guests, of_ports
from ganeti_ovs.plan.newswitch import of_new, own_interface
from ganeti_ovs.plan.removal import Removal
from ganeti_ovs.plan.switchplan import Draft, SwitchesPlan
from ganeti_ovs.plan.trees import WARNING, trees
from ganeti_ovs.plan.uplink import (
    Reference,
    Uplink,
    bridge_ports,
    bridges,
    kept_ports,
    take_out,
)


def plan_switches(
    wanted: tuple[VSwitch, ...], current: Current, host: Host, remove: bool = True
) -> SwitchesPlan:
    """Operations that make the node's vSwitches what `wanted` says, in one transaction.

    They are right for one who forces, too: what is refused otherwise is among
    them. Without `remove`, `wanted` are not all, and the others stay.
    """
    return _Planner(wanted, current, host).run(remove)


class _Planner:
    def __init__(self, wanted: tuple[VSwitch, ...], current: Current, host: Host) -> None:
        self.wanted, self.current, self.host = wanted, current, host
        self.plan = Draft()
        self.kept = kept_ports(wanted, current, host.devices)
        self.kept_rows = {port.uuid for port in self.kept.values()}
        self.names = {switch.name for switch in wanted}
        self.taken: dict[Uuid, list[str]] = {}
        """UUID of a Port that is not ours -> devices that become uplinks, if forced."""
        self.gone: set[Uuid] = set()
        """UUIDs of bridges that are removed, and of ports that are taken off."""

    def run(self, remove: bool) -> SwitchesPlan:
        for bridge in self.current.bridges.values():
            if remove and bridge.ours and bridge.name not in self.names:
                self._remove(bridge)
        for number, switch in enumerate(self.wanted):
            for device in switch.uplinks:
                self._check_device(switch, device)
            there = self.current.bridges.get(switch.name)
            if there:
                self._change(switch, there, str(number))
            else:
                self._make(switch, str(number))
        for devices in self.taken.values():
            place = self.current.place(devices[0])
            if place:
                self.plan.operations.append(take_out(devices, *place, self.current))
                if set(self.current.members(place[1])) <= set(devices):
                    self.gone.add(place[1].uuid)
        self.plan.refused += cut.by_all_uplinks(
            self.wanted, self.kept, self.gone, self.current, self.host
        )
        gone = self.gone | self.kept_rows
        self.plan.changes += given_back(self.wanted, gone, self.current, self.plan.mtus)
        return self.plan.done()

    def _check_device(self, switch: VSwitch, device: str) -> None:
        place = self.current.place(device)
        if place is None:
            if device not in self.host.devices:
                self.plan.devices.append(f"{switch.name}: this node has no device {device}")
        else:
            bridge, port = place
            guest = self.current.guest(port)
            if self.current.interfaces[device].type in ("internal", "patch"):
                self.plan.errors.append(f"{switch.name}: {device} is Open vSwitch's own, no device")
            elif guest:
                self.plan.errors.append(f"{switch.name}: {device} is the port of {guest}")
            if bridge.name == switch.name:
                return
            if not (bridge.ours and port.ours):
                alone = len(self.current.members(port)) == 1 or port.name != device
                (self.plan.refused if alone else self.plan.errors).append(
                    f"{switch.name}: {device} is on vSwitch {bridge.name} already"
                )
                if port.uuid not in self.kept_rows:
                    self.taken.setdefault(port.uuid, []).append(device)
        if device in self.host.carries:
            self.plan.refused.append(
                f"{switch.name}: {device} carries {self.host.carries[device]},"
                " which does not work on an uplink"
            )

    def _make(self, switch: VSwitch, suffix: str) -> None:
        name = switch.name
        port = self.current.ports.get(name)
        if port or name in self.current.interfaces:
            fake = port and port.fake_bridge
            what = "a fake bridge" if fake else "a port of another vSwitch"
            self.plan.errors.append(f"{name} is {what}; remove it or take another name")
        elif name in self.host.leftovers:
            # Of a database that was lost: ovs-vswitchd takes it, or makes it anew.
            if name in self.host.carries:
                self.plan.refused.append(
                    f"{name} is left of a vSwitch that is lost, and carries"
                    f" {self.host.carries[name]}, which may go when it is made anew"
                )
        elif name in self.host.devices:
            self.plan.devices.append(f"{name} is a device of this node; take another name")
        self.plan.refused += cut.without_datapath(switch, None, self.current)
        internal, local = Named(f"internal{suffix}"), Named(f"local{suffix}")
        columns, mtu = bridge_columns(switch), interface_columns(switch)
        self.plan.changes.append(Change(Kind.MADE, name))
        self.plan.operations += [
            Insert(Interface.table, internal, own_interface(switch)),
            Insert(Port.table, local, {"name": name, "interfaces": frozenset({internal})}),
        ]
        kept = self.kept.get(name)
        ports: list[Reference] = [local, *([kept.uuid] if kept else [])]
        self._uplinks(switch, suffix, ports)
        row: dict[str, object] = {
            "name": name,
            "ports": frozenset(ports),
            "external_ids": marks(names([*columns, *mtu]), **of_new(switch)),
            **new_row(columns),
        }
        made = Named(f"bridge{suffix}")
        self.plan.operations += [Insert(Bridge.table, made, row), bridges("insert", made)]

    def _change(self, switch: VSwitch, bridge: Bridge, suffix: str) -> None:
        name = switch.name
        kept_port = self.kept.get(name)
        self.plan.refused += cut.node_addresses(switch, bridge, kept_port, self.current, self.host)
        own = clearable(bridge, switch)
        difference = compare(bridge, bridge_columns(switch), own, name)
        operations = write(bridge, difference)
        adopted = [] if bridge.ours else [Change(Kind.ADOPTED, name)]
        self.plan.changes += [*adopted, *difference.changes]
        kept = list(difference.kept)
        now_own = set(difference.own)
        if "datapath_type" in difference.columns:
            self.plan.warnings.append(f"{name}: another datapath takes all ports off for a moment")
            self.plan.refused += cut.without_datapath(switch, bridge, self.current)
        if difference.columns.get("rstp_enable"):
            self.plan.warnings.append(f"{name}: {WARNING}")
        if difference.columns.get("fail_mode") == "secure":
            self.plan.refused += cut.without_flows(name, bridge, self.current)
        internal = self.current.interfaces.get(name)
        if internal:
            mtu, more = compare_mtu(internal, switch, own, self.plan.mtus)
            operations += more
            self.plan.changes += mtu.changes
            now_own |= mtu.own
        operations += [*claim(bridge, frozenset(now_own)), *note_for_guests(switch, bridge)]
        of_others = of_ports(switch, bridge, self.current, self.plan.mtus)
        operations += [*of_others.operations, *trees(bridge, difference, self.current)]
        self.plan.changes += of_others.changes
        self.plan.refused += of_others.refused
        kept += of_others.kept
        self.plan.operations += operations
        self._drop_ports(switch, bridge)
        ports: list[Reference] = []
        kept += self._uplinks(switch, suffix, ports)
        self.plan.operations += [bridge_ports(bridge, "insert", port) for port in ports]
        self.plan.stays += [f"{name}: {one} was set by hand and stays" for one in kept]

    def _uplinks(self, switch: VSwitch, suffix: str, ports: list[Reference]) -> list[str]:
        """Adds to `ports` what the bridge does not have yet; what stays as somebody has set it."""
        if not switch.uplinks:
            return []
        uplink = Uplink(switch, self.current, self.host, suffix)
        port = self.kept.get(switch.name)
        if port:
            uplink.change(port)
            old = self.current.place(next(iter(self.current.members(port)), ""))
            if old and old[0].name != switch.name:
                self.plan.operations.append(bridge_ports(old[0], "delete", port.uuid))
                uplink.changes.append(
                    Change(Kind.PORT_MOVED, switch.name, port.name, old=old[0].name)
                )
                if switch.name in self.current.bridges:
                    ports.append(port.uuid)
        else:
            if switch.bond:
                self._check_name(switch, bond_name(switch.name))
            ports.append(uplink.make())
        self.plan.operations += uplink.operations
        self.plan.changes += uplink.changes
        self.plan.mtus |= uplink.mtus
        return uplink.kept

    def _check_name(self, switch: VSwitch, name: str) -> None:
        current = self.current
        if name in self.host.devices or name in current.ports or name in current.interfaces:
            self.plan.errors.append(f"{switch.name}: its bond would be {name}, which is there")

    def _drop_ports(self, switch: VSwitch, bridge: Bridge) -> None:
        """Ports that were for uplinks, and those whose devices are in the kept one now."""
        dropped = [
            port
            for port in self.current.ports_of(bridge)
            if port.uuid not in self.kept_rows
            and not self.current.guest(port)
            and (port.ours or set(self.current.members(port)) & set(switch.uplinks))
        ]
        for port in dropped:
            self.gone.add(port.uuid)
            self.plan.operations.append(bridge_ports(bridge, "delete", port.uuid))
            self.plan.changes.append(Change(Kind.PORT_REMOVED, switch.name, port.name))
        if dropped and not switch.uplinks:
            self.plan.refused += [
                f"{name} carries {self.host.carries[name]} and would have no uplink"
                for name, _vlan in self.current.used_by(self.host, bridge)
            ]

    def _remove(self, bridge: Bridge) -> None:
        removal = Removal(bridge, self.current, self.host)
        self.plan.refused += removal.refused
        self.plan.warnings += removal.warnings
        self.plan.changes.append(removal.change)
        self.plan.operations.append(bridges("delete", bridge.uuid))
        self.gone.add(bridge.uuid)
