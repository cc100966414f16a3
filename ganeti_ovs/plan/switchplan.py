"""The plan of a node's vSwitches: a value, and one in the making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganeti_ovs.model.operations import Comment

if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operation, Operations
    from ganeti_ovs.plan.changes import Change


@dataclass(frozen=True)
class SwitchesPlan:
    """What to do. All but operations and changes are words for people, one a line."""

    operations: tuple[Operation, ...]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    refused: tuple[str, ...]
    """What is not done unless forced."""
    errors: tuple[str, ...]
    """What cannot be done at all."""
    devices: tuple[str, ...]
    """Those that are not there, or there and should not be. (At boot they may come or go.)"""
    mtus: Mapping[str, int] = field(default_factory=dict)
    """Not words: devices whose MTU changes -> what they are to have (bytes)."""
    stays: tuple[str, ...] = ()
    """Those of the warnings that are true without any change: what was set by hand."""


class Draft:
    """A plan in the making."""

    def __init__(self) -> None:
        self.operations: Operations = []
        self.changes: list[Change] = []
        self.warnings: list[str] = []
        self.refused: list[str] = []
        self.errors: list[str] = []
        self.devices: list[str] = []
        self.mtus: dict[str, int] = {}
        self.stays: list[str] = []

    def done(self) -> SwitchesPlan:
        """The plan, with a note for the database's log if there is anything to do."""
        note = [Comment("ganeti-ovs: vSwitches")] if self.operations else []
        return SwitchesPlan(
            operations=(*note, *self.operations),
            changes=tuple(self.changes),
            warnings=(*self.warnings, *self.stays),
            refused=tuple(self.refused),
            errors=tuple(self.errors),
            devices=tuple(self.devices),
            mtus=self.mtus,
            stays=tuple(self.stays),
        )
