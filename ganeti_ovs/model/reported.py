"""What ovs-vswitchd and the kernel report about what is in effect, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganeti_ovs.model.status import Traffic


@dataclass(frozen=True)
class Columns:
    """Of columns in which ovs-vswitchd only reports."""

    version: str = ""
    """Of Open vSwitch, if the one who has started it has noted it."""
    datapath_types: tuple[str, ...] = ()
    iface_types: tuple[str, ...] = ()
    controllers: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """Bridge -> target of each of its controllers -> whether it is connected."""
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    """Interface -> what has passed it, from the view of who is at its other end."""


@dataclass(frozen=True)
class Datapath:
    """A bridge in a datapath."""

    type: str
    ports: Mapping[str, int]
    """Port -> its number in the datapath."""


@dataclass(frozen=True)
class Bond:
    """A bond at work."""

    enabled: Mapping[str, bool]
    """Member -> whether it is used."""
    delayed: frozenset[str] = frozenset()
    """Members of which that is about to change: a delay runs."""
    active: str = ""
    negotiated: bool = False
    """Whether LACP has come to an agreement."""


@dataclass(frozen=True)
class Entry:
    """A MAC address that a bridge has learned."""

    ofport: int
    vlan: int
    mac: str


@dataclass(frozen=True)
class Asked:
    """What ovs-vswitchd has answered on its control socket; None: it has not."""

    version: str = ""
    datapaths: Mapping[str, Datapath] | None = None
    """By bridge; those that are missing have none."""
    bonds: Mapping[str, Bond] | None = None
    """By port."""
    learned: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """By bridge."""
    floods: Mapping[str, Mapping[int, frozenset[int]]] = field(default_factory=dict)
    """Bridge -> VLAN (0: none) -> the datapath's ports that a frame to all leaves by, if the bridge
    floods it."""
    dropping: Mapping[str, int] = field(default_factory=dict)
    """Bridge without a controller -> how many flows it has, if these drop all that comes."""
    problem: str = ""
    """Why not all was answered."""


@dataclass(frozen=True)
class Device:
    """A network interface, as the kernel has it."""

    index: int
    up: bool
    """Administratively."""
    carrier: bool
    mtu: int
    """Bytes."""

    @property
    def link(self) -> str:
        """In a word, or two."""
        return "set down" if not self.up else "up" if self.carrier else "no carrier"


@dataclass(frozen=True)
class Limits:
    """What the kernel limits on a device, in bit/s; 0: nothing."""

    sends: int = 0
    """What the guest sends: policed."""
    receives: int = 0
    """What it receives: shaped."""
    foreign: bool = False
    """There is a clsact qdisc, where ovs-vswitchd's ingress qdisc would be, and which it does not
    take away."""
