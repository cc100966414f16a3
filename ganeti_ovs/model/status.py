"""A node's status: what is wanted, what is there, and what is wrong with it, asked just now.

Everything that is said to people is a view of it. What could not be found out is None, and a
problem says why; nothing is guessed. `ganeti_ovs.model.plain` makes JSON of it and back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

FORMAT = 1
"""Of a status in JSON. What a later release adds is passed over, and what it does not say is empty;
a value with another meaning, or another type, is another format."""


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Not as it is wanted, or dead, or not to be found out: exit code 1."""
    WARNING = "warning"
    """It works, but with less than is wanted, or not for long."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    severity: Severity
    kind: str
    """Which of them, as one word for programs (`vswitchd-dead`); the words may change."""
    words: str
    """For people: one line without an end of sentence, that names what is wrong."""
    subject: str = ""
    """What it is about: a vSwitch, `SWITCH: DEVICE`, `INSTANCE NIC INDEX (TAP)`; "": the node."""
    repair: str = ""
    """The command that puts it right; "" if that takes a person, and the words say so."""

    @property
    def line(self) -> str:
        """All of it, in one line."""
        head = f"{self.subject}: {self.words}" if self.subject else self.words
        return f"{head}; {self.repair}" if self.repair else head


@dataclass(frozen=True)
class Daemon:
    """ovs-vswitchd."""

    alive: bool
    """True if it has just carried out a configuration (Open_vSwitch.next_cfg) within its limit."""
    version: str = ""
    datapath_types: tuple[str, ...] = ()
    """Those that it has (Open_vSwitch.datapath_types)."""
    iface_types: tuple[str, ...] = ()
    """The types of interfaces that it has (Open_vSwitch.iface_types)."""


@dataclass(frozen=True)
class Uplink:
    """A device of the node in a vSwitch."""

    name: str
    port: str
    """The Port that it is in: its own, or the bond."""
    ofport: int | None = None
    error: str = ""
    """Why ovs-vswitchd refuses it (Interface.error)."""
    link: str = ""
    """Of the kernel: up, no carrier, set down, gone; "" if it was not to be found out."""
    mtu: int | None = None
    """Bytes, of the kernel."""
    mtu_request: int | None = None
    enabled: bool | None = None
    """Whether its bond uses it; None if it is in none, or was not to be found out."""
    delayed: bool = False
    """Its bond waits (bond_updelay, bond_downdelay) before it uses it, or does not."""
    lacp: bool | None = None
    """Whether the other side answers (Interface.lacp_current); None without LACP."""


@dataclass(frozen=True)
class BondStatus:
    """A port of several uplinks."""

    port: str
    mode: str
    lacp: str
    """off, passive, active."""
    negotiated: bool | None = None
    """Whether LACP has come to an agreement; None without LACP."""
    active: str = ""
    """The member that active-backup uses."""


@dataclass(frozen=True)
class SwitchStatus:
    """A vSwitch, wanted or there."""

    name: str
    there: bool
    ours: bool
    """Whether it carries our mark: made or adopted by us."""
    wanted: dict[str, str] | None = None
    """Settings of the kept document, by names; None if it is not in there."""
    actual: dict[str, str] = field(default_factory=dict)
    """The same settings as the database has them; those that are empty are left out."""
    datapath_type: str = ""
    works: bool | None = None
    """Whether ovs-vswitchd has a datapath with its local port; None: was not to be found out."""
    fail_mode: str = "standalone"
    controllers: tuple[str, ...] = ()
    controlled: bool | None = None
    """Whether a controller is connected; None without one."""
    rstp: bool = False
    blocked: tuple[str, ...] = ()
    """Ports that broadcasts do not leave by, though RSTP is off: what it has left, or no-flood."""
    trunks: tuple[int, ...] = ()
    """VLANs that its uplinks let through; none: all."""
    uplinks: tuple[Uplink, ...] = ()
    bonds: tuple[BondStatus, ...] = ()
    others: tuple[str, ...] = ()
    """Ports that are neither uplinks of ours nor a guest's."""


@dataclass(frozen=True)
class Learned:
    """A MAC address that a vSwitch has seen on a port."""

    mac: str
    vlan: int


@dataclass(frozen=True)
class PortSettings:
    """What a guest's port is, or is to be."""

    switch: str
    port_type: str
    """access, trunk, hybrid; of a port that is not ours also native-tagged, dot1q-tunnel."""
    vlan: str = ""
    """In Ganeti's grammar: `.5:10:20`."""
    sends: int = 0
    """bit/s that the guest may send; 0: unlimited."""
    receives: int = 0
    """bit/s that it may receive; 0: unlimited."""
    send_burst: int = 0
    """bit."""
    receive_burst: int = 0
    """bit."""


@dataclass(frozen=True)
class Traffic:
    """Since the port was made; from the guest's view."""

    rx: int = 0
    """Bytes that the guest has received."""
    tx: int = 0
    """Bytes that it has sent."""
    drops: int = 0
    """Frames that were dropped, in both directions."""


class NicState(StrEnum):
    """How a guest's NIC is, in one word."""

    UP = "up"
    """As it is wanted, and its link is up."""
    DOWN = "down"
    """As it is wanted, but the link is down, or Ganeti has taken it down."""
    DIFFERS = "differs"
    """It has a port, but not as it is wanted."""
    NO_PORT = "no-port"
    FAILED = "failed"
    """ovs-vswitchd does not have it, whatever the database says."""
    UNKNOWN = "unknown"
    NO_GUEST = "no-guest"
    """A port of ours whose guest does not run here."""
    STOCK = "stock"
    """Attached by Ganeti without us, and left as it is."""


@dataclass(frozen=True)
class NicStatus:
    """A running guest's NIC of mode openvswitch, or a port of ours that was left behind."""

    instance: str
    index: str
    """Ganeti's number in the instance; "" if it is not known."""
    uuid: str
    tap: str
    state: NicState
    mac: str = ""
    """That the running guest has."""
    attached_mac: str = ""
    """That the port says (external_ids:attached-mac)."""
    wanted: PortSettings | None = None
    """None if it is not known; a problem says why."""
    actual: PortSettings | None = None
    """None without a port."""
    kernel_sends: int | None = None
    """bit/s that the kernel polices what it sends to, 0: unlimited; None: was not to be found out,
    or is not the kernel's matter on this datapath."""
    kernel_receives: int | None = None
    """The same of what it receives, shaped; None also if another qdisc than htb is to do it."""
    ofport: int | None = None
    error: str = ""
    link: str = ""
    """As of an uplink."""
    mtu: int | None = None
    """Bytes, of the tap."""
    learned: tuple[Learned, ...] = ()
    traffic: Traffic | None = None
    unpoliced: bool = False
    """On the userspace datapath: what the guest sends is not limited, whatever its port says."""


@dataclass(frozen=True)
class NodeStatus:
    """All of a node."""

    node: str
    version: str
    """Of ganeti-ovs there."""
    daemon: Daemon | None = None
    """None if Open vSwitch's database could not be read."""
    kept: str | None = None
    """Digest of the document that it keeps; None if it keeps none."""
    switches: tuple[SwitchStatus, ...] = ()
    """In the order of their names."""
    nics: tuple[NicStatus, ...] = ()
    """In the order of instances and indices."""
    problems: tuple[Problem, ...] = ()
    """Errors first."""
    unread: str = ""
    """Why the database could not be read, which is no problem where nothing needs Open vSwitch."""

    @property
    def errors(self) -> list[Problem]:
        """What is wrong."""
        return [one for one in self.problems if one.severity == Severity.ERROR]
