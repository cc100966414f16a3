"""Guests' ports as they are in the database, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganeti_ovs.model.rows import Bridge, Interface, Port, QoS, Queue, Uuid
from ganeti_ovs.model.taprows import TapRows


@dataclass(frozen=True)
class Live:
    """A guest's port as it is."""

    found: TapRows
    switch: str
    port: Port
    interface: Interface
    qos: QoS | None = None
    """The port's QoS row, if it is ours."""
    queue: Queue | None = None
    """Its queue 0, if that is ours."""


@dataclass(frozen=True)
class Snapshot:
    """What is in the database."""

    live: Mapping[str, Live]
    """All ports with one interface of their own name, ours or not, by that name."""
    switches: frozenset[str]
    bridges: Mapping[str, Bridge] = field(default_factory=dict)
    """Their rows, by name."""
    odd: Mapping[str, str] = field(default_factory=dict)
    """Names of other ports and interfaces -> what they are, in words."""
    orphans: tuple[tuple[str, Uuid], ...] = ()
    """(table, row) of QoS and Queue rows of ours that no port uses."""
