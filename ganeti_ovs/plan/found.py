"""vSwitches as they are: whole rows of Open vSwitch's database, and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganeti_ovs.plan.change import plain
from ganeti_ovs.plan.wire import MARK, references

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Row = dict[str, "Any"]
Tables = dict[str, dict[str, Row]]


SETTINGS_KEY = "ganeti-ovs-settings"
"""external_ids key of a Bridge or Port: the settings in that row that are ours, by spaces.

A row that somebody else made and we adopted has settings of its own; only those
that we have written are ever cleared.
"""

ROOT = "Open_vSwitch"
READ = (
    ROOT, "Bridge", "Port", "Interface", "QoS", "Mirror", "Controller", "NetFlow", "sFlow",
    "IPFIX", "Flow_Table", "AutoAttach",
)  # fmt: skip
"""Tables that are read: what vSwitches are made of, and what hangs on them."""


@dataclass(frozen=True)
class Host:
    """What the node has besides Open vSwitch."""

    devices: frozenset[str]
    """All its network interfaces."""
    carries: Mapping[str, str] = field(default_factory=dict)
    """Interface -> what of the node's own depends on it, in words."""


class Found:
    """All of it, by table and row UUID, in OVSDB's own JSON form."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.bridges: dict[str, Row] = {row["name"]: row for row in tables["Bridge"].values()}
        self.ports: dict[str, Row] = {row["name"]: row for row in tables["Port"].values()}
        self.interfaces: dict[str, Row] = {row["name"]: row for row in tables["Interface"].values()}
        self._port_of = {
            reference: row
            for row in tables["Port"].values()
            for reference in references(row["interfaces"])
        }
        self._bridge_of = {
            reference: row
            for row in tables["Bridge"].values()
            for reference in references(row["ports"])
        }

    def ports_of(self, bridge: Row) -> list[Row]:
        """Its ports in the order of their names, but for the internal one of its own name."""
        rows = self.tables["Port"]
        ports = [rows[one] for one in references(bridge["ports"]) if one in rows]
        return sorted(
            (port for port in ports if port["name"] != bridge["name"]),
            key=lambda port: str(port["name"]),
        )

    def members(self, port: Row) -> dict[str, Row]:
        """The port's Interface rows by name."""
        rows = self.tables["Interface"]
        there = [rows[one] for one in references(port["interfaces"]) if one in rows]
        return {row["name"]: row for row in sorted(there, key=lambda row: str(row["name"]))}

    def place(self, device: str) -> tuple[Row, Row] | None:
        """(Bridge, Port) that `device` is on."""
        interface = self.interfaces.get(device)
        port = self._port_of.get(key(interface)) if interface else None
        bridge = self._bridge_of.get(key(port)) if port else None
        return (bridge, port) if bridge and port else None

    def used_by(self, host: Host, bridge: Row) -> list[tuple[str, int]]:
        """The bridge's internal interfaces that the node itself uses, each with its VLAN (0: none).

        Not only the one of the bridge's name: others are for addresses in other VLANs.
        """
        local = self.ports.get(bridge["name"])
        return [
            (name, (numbers(port["tag"]) or (0,))[0])
            for port in [*([local] if local else []), *self.ports_of(bridge)]
            for name, row in self.members(port).items()
            if name in host.carries and (row["type"] == "internal" or name == bridge["name"])
        ]

    def guest(self, port: Row) -> str:
        """Whose it is, if it is a guest's port of ours: `tap0 (inst1.lab, NIC 0)`; else empty."""
        for name, row in self.members(port).items():
            if ours(row):
                ids = dict(row["external_ids"][1])
                return f"{name} ({ids.get('ganeti-instance')}, NIC {ids.get('ganeti-nic')})"
        return ""


def key(row: Row) -> str:
    """The row's UUID."""
    return str(row["_uuid"][1])


def ours(row: Row) -> bool:
    """True if the row carries our mark."""
    return [*MARK] in row["external_ids"][1]


def own_settings(row: Row) -> set[str]:
    """Names of the settings in this row that we have written."""
    return set(dict(row["external_ids"][1]).get(SETTINGS_KEY, "").split())


def numbers(value: Any) -> tuple[int, ...]:
    """A set of integers, in order."""
    return tuple(sorted(value[1])) if isinstance(value, list) else (value,)


def only(value: Any) -> Any:
    """An optional column: the bare value, or None for the empty set."""
    return None if isinstance(value, list) else value


def text(value: Any) -> str:
    """A column's value in words."""
    if isinstance(value, list):
        return " ".join(map(str, value[1])) if value[1] else "unset"
    return str(value).lower() if isinstance(value, bool) else str(value)


def same(one: Any, other: Any) -> bool:
    """True if two OVSDB values are equal, a set of one being its element."""
    return bool(plain(one) == plain(other))
