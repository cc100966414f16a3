"""What it takes to roll a change of vSwitches back: a value, and its form on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.rows import STATUS
from ganeti_ovs.ovsdb.stored import (
    operations_from_json,
    operations_to_json,
    tables_from_json,
    tables_to_json,
)

if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.rows import Tables

Stations = Mapping[str, Sequence[tuple[str, int]]]
"""vSwitch -> (MAC, VLAN) of guests and others behind it, VLAN 0: untagged."""


@dataclass(frozen=True)
class Device:
    """A network interface before a change: what Open vSwitch does not set back itself.

    NOTE: a cleared mtu_request changes nothing on the device.
    """

    name: str
    index: int
    """The kernel's; another one is another device of the same name."""
    up: bool
    """Administratively. One that is down will be set up."""
    mtu: int
    new_mtu: int
    """What it will be set to (bytes); 0: it is left as it is."""


@dataclass(frozen=True)
class Checkpoint:
    """Taken before a change: what will be done, and how it was."""

    operations: Operations
    """The change, as it will be committed."""
    before: Tables
    stations: Stations = field(default_factory=dict)
    """What `ganeti_ovs.node.announce` announces."""
    devices: tuple[Device, ...] = ()
    """What the kernel has of the devices that it may change."""

    @property
    def empty(self) -> bool:
        """True if there is nothing that could be rolled back."""
        return not self.operations and all(device.up for device in self.devices)


def to_data(checkpoint: Checkpoint) -> dict[str, Any]:
    """As it is kept on the disk: without what ovs-vswitchd only reports."""
    return {
        "operations": operations_to_json(checkpoint.operations),
        "before": tables_to_json(checkpoint.before, STATUS - {"_uuid"}),
        "stations": {name: [[*one] for one in some] for name, some in checkpoint.stations.items()},
        "devices": [
            [one.name, one.index, one.up, one.mtu, one.new_mtu] for one in checkpoint.devices
        ],
    }


def from_data(found: Mapping[str, Any]) -> Checkpoint:
    """What `to_data` has made. Raises Error."""
    try:
        return Checkpoint(
            operations_from_json(found["operations"]),
            tables_from_json(found["before"]),
            {
                name: [(str(mac), int(vlan)) for mac, vlan in some]
                for name, some in found["stations"].items()
            },
            tuple(Device(*one) for one in found["devices"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as err:
        raise Error(f"the change that is pending is broken: {err!r}"[:200]) from err
