"""What Open vSwitch has, as values for people: vSwitches and their ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganeti_ovs.model.rows import Bridge, Interface, Port, QoS
from ganeti_ovs.model.vlan import Vlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.rows import Tables
    from ganeti_ovs.ovsdb.client import Client

_COLUMNS = {
    "Bridge": ("name", "datapath_type", "ports", "fail_mode"),
    "Port": ("name", "interfaces", "vlan_mode", "tag", "trunks", "qos", "bond_mode", "lacp"),
    "Interface": (
        "name", "type", "external_ids", "ingress_policing_rate", "link_state", "ofport", "error",
    ),
    "QoS": ("type", "other_config"),
}  # fmt: skip
_DIGITS = 20
"""A limit of as many digits is no limit."""
_PORT_TYPES = {
    "access": "access",
    "trunk": "trunk",
    "native-untagged": "hybrid",
    "native-tagged": "native-tagged",
    "dot1q-tunnel": "dot1q-tunnel",
}


@dataclass(frozen=True)
class PortView:
    """A port as Open vSwitch has it."""

    name: str
    ours: bool
    instance: str
    nic: str
    """Index of the NIC in its instance, as text; empty if the port is not ours."""
    port_type: str
    vlan: Vlan
    send_limit: int
    """bit/s that the guest may send; 0 = unlimited."""
    receive_limit: int
    """bit/s that the guest may receive; 0 = unlimited."""
    policed: bool
    """False if the vSwitch's datapath does not enforce `send_limit`."""
    interfaces: tuple[str, ...]
    """More than one for a bond."""
    bond_mode: str
    state: str
    """up, down, or what is wrong."""


@dataclass(frozen=True)
class SwitchView:
    """A vSwitch as Open vSwitch has it, ports in the order of their names."""

    name: str
    datapath_type: str
    fail_mode: str
    ports: tuple[PortView, ...]


def read_switches(client: Client) -> tuple[SwitchView, ...]:
    """All vSwitches, in the order of their names, read in one transaction.

    The vSwitches' own internal ports, which carry their names, are left out.
    """
    tables = client.read(_COLUMNS)
    switches = [_switch(bridge, tables) for bridge in tables.of(Bridge).values()]
    return tuple(sorted(switches, key=lambda switch: _natural(switch.name)))


def _switch(bridge: Bridge, tables: Tables) -> SwitchView:
    ports = [tables.of(Port)[reference] for reference in bridge.ports]
    views = [_port(port, tables, bridge.polices) for port in ports if port.name != bridge.name]
    return SwitchView(
        name=bridge.name,
        datapath_type=bridge.datapath_type or "system",
        fail_mode=bridge.fail_mode or "standalone",
        ports=tuple(sorted(views, key=lambda port: _natural(port.name))),
    )


def _port(port: Port, tables: Tables, policed: bool) -> PortView:
    interfaces = [tables.of(Interface)[one] for one in sorted(port.interfaces)]
    first = interfaces[0]
    ids = first.external_ids if first.ours else {}
    # Without vlan_mode a tag makes an access port (vswitch.xml, Port, vlan_mode).
    mode = port.vlan_mode or ("trunk" if port.tag is None else "access")
    return PortView(
        name=port.name,
        ours=first.ours,
        instance=ids.get("ganeti-instance", ""),
        nic=ids.get("ganeti-nic", ""),
        port_type=_PORT_TYPES.get(mode, mode),
        vlan=Vlan(
            port.tag if mode != "trunk" else None,
            tuple(sorted(port.trunks)) if mode != "access" else (),
        ),
        send_limit=first.ingress_policing_rate * 1000,
        receive_limit=_max_rate(tables.of(QoS)[one] for one in sorted(port.qos)),
        policed=policed,
        interfaces=tuple(sorted(interface.name for interface in interfaces)),
        bond_mode=(port.bond_mode or "active-backup") if len(interfaces) > 1 else "",
        state=_state(interfaces),
    )


def _max_rate(qos: Iterable[QoS]) -> int:
    for row in qos:
        rate = row.other_config.get("max-rate", "0")
        return int(rate) if rate.isascii() and rate.isdigit() and len(rate) < _DIGITS else 0
    return 0


def _state(interfaces: list[Interface]) -> str:
    for interface in interfaces:
        if interface.error:
            return interface.error
        if interface.ofport is None or interface.ofport < 0:
            return "not applied by ovs-vswitchd"
    up = [interface.link_state == "up" for interface in interfaces]
    return "up" if all(up) else "degraded" if any(up) else "down"


def _natural(name: str) -> tuple[str, int, str]:
    """tap9 before tap10."""
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    return stem, len(number), number
