"""What Open vSwitch has, as values for people: vSwitches and their ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganeti_ovs.model.vlan import Vlan
from ganeti_ovs.plan.port import polices
from ganeti_ovs.plan.wire import MARK, references

if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.ovsdb.answers import Rows
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
    switches = [
        SwitchView(
            name=bridge["name"],
            datapath_type=bridge["datapath_type"] or "system",
            fail_mode=_only(bridge["fail_mode"], "standalone"),
            ports=tuple(
                sorted(
                    (
                        _port(tables["Port"][reference], tables, bridge["datapath_type"])
                        for reference in references(bridge["ports"])
                        if tables["Port"][reference]["name"] != bridge["name"]
                    ),
                    key=lambda port: _natural(port.name),
                )
            ),
        )
        for bridge in tables["Bridge"].values()
    ]
    return tuple(sorted(switches, key=lambda switch: _natural(switch.name)))


def _port(port: dict[str, Any], tables: dict[str, Rows], datapath_type: str) -> PortView:
    interfaces = [tables["Interface"][row] for row in references(port["interfaces"])]
    marks = dict(interfaces[0]["external_ids"][1])
    ours = marks.get(MARK[0]) == MARK[1]
    tag = _only(port["tag"], None)
    # Without vlan_mode a tag makes an access port (vswitch.xml, Port, vlan_mode).
    mode = _only(port["vlan_mode"], "trunk" if tag is None else "access")
    return PortView(
        name=port["name"],
        ours=ours,
        instance=marks.get("ganeti-instance", "") if ours else "",
        nic=marks.get("ganeti-nic", "") if ours else "",
        port_type=_PORT_TYPES.get(mode, mode),
        vlan=Vlan(tag if mode != "trunk" else None, _numbers(port["trunks"], mode)),
        send_limit=interfaces[0]["ingress_policing_rate"] * 1000,
        receive_limit=_max_rate(references(port["qos"]), tables["QoS"]),
        policed=polices(datapath_type),
        interfaces=tuple(sorted(interface["name"] for interface in interfaces)),
        bond_mode=_only(port["bond_mode"], "active-backup") if len(interfaces) > 1 else "",
        state=_state(interfaces),
    )


def _numbers(value: Any, mode: str) -> tuple[int, ...]:
    if mode == "access":
        return ()
    return (value,) if isinstance(value, int) else tuple(sorted(value[1]))


def _max_rate(qos: tuple[str, ...], rows: Rows) -> int:
    for reference in qos:
        rate = str(dict(rows[reference]["other_config"][1]).get("max-rate", "0"))
        return int(rate) if rate.isascii() and rate.isdigit() and len(rate) < _DIGITS else 0
    return 0


def _state(interfaces: list[dict[str, Any]]) -> str:
    for interface in interfaces:
        error = _only(interface["error"], "")
        if error:
            return str(error)
        if _only(interface["ofport"], -1) < 0:
            return "not applied by ovs-vswitchd"
    up = [_only(interface["link_state"], "down") == "up" for interface in interfaces]
    return "up" if all(up) else "degraded" if any(up) else "down"


def _only(value: Any, absent: Any) -> Any:
    """An optional column: the bare value, or `absent` for the empty set."""
    return absent if isinstance(value, list) else value


def _natural(name: str) -> tuple[str, int, str]:
    """tap9 before tap10."""
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    return stem, len(number), number
