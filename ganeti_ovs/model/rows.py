"""Rows of Open vSwitch's database as values; `ganeti_ovs.ovsdb.decode` makes them, once.

A column's value is text, a number or a flag, None for an optional one that is empty, a frozenset
or a dict; a reference to a row is its Uuid. What is annotated here is what is read, and the
annotation is the form that the column must have (`ganeti_ovs.ovsdb.decode` has a function for
each). A row that is read whole has the columns that are not annotated, too, so that it can be made
again as it was; but for those of STATUS.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    R = TypeVar("R", bound="Row")

MTU_KEY = "ganeti-ovs-mtu"
"""external_ids key of a Bridge: the MTU that guests' taps get (bytes)."""
MTU_BEFORE = "ganeti-ovs-mtu-before"
"""external_ids key of an Interface whose mtu_request is ours: the MTU that its device had (bytes;
empty: not known)."""
TAP_MTU = 1500
"""Bytes, with which the kernel makes a tap."""
MARK = ("ganeti-ovs", "1")
"""The external_ids pair of every row that is ours; only such rows are changed or removed."""


class Uuid(str):
    """A row's name in the database, and the reference to it."""

    __slots__ = ()


class Named(str):
    """A reference to a row that the same transaction inserts, by the name that it has in there."""

    __slots__ = ()


Members = frozenset[Uuid]
"""References, at least one."""


class Row:
    """A row of any table. Two are equal if all their columns are."""

    table = ""
    _uuid: Uuid

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.__dict__.update(columns)

    @property
    def uuid(self) -> Uuid:
        """The row's own."""
        return self._uuid

    @property
    def columns(self) -> Mapping[str, Any]:
        """All that was read, by the columns' names; its UUID is `_uuid`."""
        return self.__dict__

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a row is frozen: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__!r})"


class Root(Row):
    """The one row that the others hang on."""

    table = "Open_vSwitch"
    bridges: frozenset[Uuid]
    next_cfg: int
    cur_cfg: int
    datapath_types: frozenset[str]


class Marked(Row):
    """A row of a table whose rows may be ours."""

    external_ids: dict[str, str]
    other_config: dict[str, str]

    @property
    def ours(self) -> bool:
        """True if it carries our mark."""
        return self.external_ids.get(MARK[0]) == MARK[1]


class Bridge(Marked):
    """A vSwitch."""

    table = "Bridge"
    name: str
    ports: frozenset[Uuid]
    datapath_type: str
    fail_mode: str | None
    rstp_enable: bool
    stp_enable: bool
    mcast_snooping_enable: bool
    controller: frozenset[Uuid]

    @property
    def polices(self) -> bool:
        """True if it limits what a guest sends.

        NOTE: the userspace datapath reads a tap by a packet socket, and the kernel
        hands frames to those before its ingress qdisc, where the policer is.
        """
        return self.datapath_type != "netdev"

    @property
    def has_tree(self) -> bool:
        """True if it runs a spanning tree: RSTP or STP."""
        return self.rstp_enable or self.stp_enable

    @property
    def guest_mtu(self) -> int:
        """Bytes that guests' taps get; 0: they stay as they are."""
        text = self.external_ids.get(MTU_KEY, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class Controller(Row):
    """Who tells a vSwitch by OpenFlow what to do."""

    table = "Controller"
    is_connected: bool


class Port(Marked):
    """A port: one interface, or the several of a bond."""

    table = "Port"
    name: str
    interfaces: Members
    qos: frozenset[Uuid]
    vlan_mode: str | None
    tag: int | None
    trunks: frozenset[int]
    bond_mode: str | None
    lacp: str | None
    bond_updelay: int
    bond_downdelay: int
    bond_active_slave: str | None
    fake_bridge: bool


class Interface(Marked):
    """A network device, or what Open vSwitch makes itself."""

    table = "Interface"
    name: str
    type: str
    ofport: int | None
    error: str | None
    link_state: str | None
    mac_in_use: str | None
    mtu: int | None
    mtu_request: int | None
    lacp_current: bool | None
    ingress_policing_rate: int
    ingress_policing_burst: int


class QoS(Marked):
    """A shaper, with its classes."""

    table = "QoS"
    type: str
    queues: dict[int, Uuid]


class Queue(Marked):
    """A class of a shaper."""

    table = "Queue"


KINDS: dict[str, type[Row]] = {
    one.table: one for one in (Root, Bridge, Controller, Port, Interface, QoS, Queue)
}
"""By the names of the tables of which something is read; rows of others are plain `Row`."""

STATUS = frozenset(
    (
        "_uuid", "_version", "admin_state", "bfd_status", "cfm_fault", "cfm_fault_status",
        "cfm_flap_count", "cfm_health", "cfm_remote_mpids", "cfm_remote_opstate", "datapath_id",
        "datapath_version", "duplex", "error", "ifindex", "is_connected", "lacp_current",
        "link_resets", "link_speed", "link_state", "mac_in_use", "mtu", "role", "rstp_statistics",
        "rstp_status", "statistics", "status",
    )
)  # fmt: skip
"""Columns that ovs-vswitchd writes. Of those it also reads, Interface.ofport gives an
interface its OpenFlow port number again, Port.bond_active_slave a bond its active member."""


class Tables(dict[str, dict[Uuid, Row]]):
    """Rows of one moment: table -> UUID -> row."""

    def of(self, kind: type[R]) -> Mapping[Uuid, R]:
        """The rows of one kind; its table must have been read."""
        return self[kind.table]  # type: ignore[return-value]
