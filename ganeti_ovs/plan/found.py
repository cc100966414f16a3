"""What a look at a node has found out, all of one moment, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ganeti_ovs.model.reported import Asked, Columns
from ganeti_ovs.plan.current import Current

if TYPE_CHECKING:
    from ganeti_ovs.model.reported import Device, Limits
    from ganeti_ovs.model.rows import Tables
    from ganeti_ovs.model.snapshot import Snapshot
    from ganeti_ovs.model.status import Problem
    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.portsplan import DesiredPorts, PortsPlan
    from ganeti_ovs.plan.switchplan import SwitchesPlan


@dataclass(frozen=True)
class Guest:
    """A running guest's NIC of mode openvswitch, as far as it is known."""

    instance: str
    index: str
    uuid: str
    tap: str
    mac: str
    trouble: str = ""
    """Why it is not known what it is to be, in words."""
    trouble_kind: str = ""
    down: bool = False
    """Ganeti has taken it down."""

    @property
    def subject(self) -> str:
        """For people."""
        number = f" NIC {self.index}" if self.index else ""
        return f"{self.instance}{number} ({self.tap})"


@dataclass(frozen=True)
class Wanted:
    """The description of the vSwitches that the node is judged by, and that it keeps."""

    switches: tuple[VSwitch, ...] | None
    """None: there is none."""
    kept: str | None
    """Digest of what it keeps; "": that is broken."""
    sent: str | None = None
    """Digest of what the master wants; None: the master has not said it."""
    changing: bool = False
    """A change is under way, after which it keeps another one, or the same."""


@dataclass(frozen=True)
class Found:
    """All of it. None: was not to be found out, and one of `problems` says why."""

    tables: Tables
    dead: str
    """Why ovs-vswitchd is dead, in words; "": it is alive."""
    columns: Columns
    asked: Asked
    devices: Mapping[str, Device] | None
    limits: Mapping[str, Limits] | None
    """By device."""
    wanted: Wanted
    plan: SwitchesPlan | None
    guests: Mapping[str, Guest] | None
    """By tap."""
    desired: DesiredPorts | None
    snapshot: Snapshot
    ports: PortsPlan | None
    others: Mapping[str, str] = field(default_factory=dict)
    """Taps of running NICs that are not for Open vSwitch -> their instances."""
    problems: tuple[Problem, ...] = field(default=())

    @cached_property
    def current(self) -> Current:
        """The vSwitches as they are."""
        return Current(self.tables)

    @property
    def alive(self) -> bool:
        """Whether what ovs-vswitchd has reported counts."""
        return not self.dead
