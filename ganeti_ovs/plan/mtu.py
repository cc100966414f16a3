"""MTUs that a change of a vSwitch gives to devices: its own, those of its uplinks and guests.

Open vSwitch sets a device to its mtu_request, but not back when that is cleared. So the row keeps
what the device had, and a plan says what each device is to have afterwards, by whomever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganeti_ovs.model.operations import Update, at
from ganeti_ovs.model.rows import MTU_BEFORE, MTU_KEY, TAP_MTU
from ganeti_ovs.plan.changes import Change, Kind
from ganeti_ovs.plan.columns import compare, interface_columns, mutate_map, write
from ganeti_ovs.plan.cut import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.rows import Bridge, Interface, Uuid
    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.columns import Difference
    from ganeti_ovs.plan.current import Current

_COLUMN = "mtu_request"


def before(row: Interface) -> int | None:
    """What the device had before we gave it another MTU (bytes); 0: not known; None: we did not."""
    text = row.external_ids.get(MTU_BEFORE)
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def compare_mtu(
    row: Interface, switch: VSwitch, own: set[str], mtus: dict[str, int], subject: str = ""
) -> tuple[Difference, Operations]:
    """What the vSwitch's own interface, or the uplink `subject`, lacks, and how it gets that.

    `mtus` gets what the device will have.
    """
    found = compare(row, interface_columns(switch), own, switch.name, subject)
    if _COLUMN not in found.columns:
        return found, []
    if switch.mtu is not None:
        mtus[row.name] = switch.mtu
        return found, [*write(row, found), *_keep(row)]
    had = before(row)
    if had:
        mtus[row.name] = had
        changes = tuple(replace(one, new=str(had)) for one in found.changes)
        found = replace(found, changes=changes)
    elif subject and row.mtu:
        kept = (*found.kept, f"MTU {row.mtu}, as nobody knows what it had before,")
        found = replace(found, kept=kept)
    return found, [*write(row, found), *_forget(row)]


def given_back(
    wanted: Iterable[VSwitch], gone: Set[Uuid], current: Current, mtus: dict[str, int]
) -> list[Change]:
    """Devices that are uplinks no more get the MTUs that they had, which `mtus` gets.

    The rows `gone`, bridges and ports, are taken off, or have the uplinks of `wanted` alone.
    """
    uplinks = {device for switch in wanted for device in switch.uplinks}
    changes = []
    for name, row in current.interfaces.items():
        place, had = current.place(name), before(row)
        if not had or not place or row.ours or row.type == "internal" or name in uplinks:
            continue
        bridge, port = place
        if {bridge.uuid, port.uuid} & gone and row.mtu_request not in (None, had):
            mtus[name] = had
            old, new = str(row.mtu_request), str(had)
            changes.append(Change(Kind.SET, bridge.name, name, "mtu", old, new))
    return changes


def note_for_guests(switch: VSwitch, bridge: Bridge) -> Operations:
    """Operations that tell those who attach guests which MTU these get."""
    wanted = None if switch.mtu is None else str(switch.mtu)
    if bridge.external_ids.get(MTU_KEY) == wanted:
        return []
    return [mutate_map(bridge, "external_ids", {MTU_KEY: wanted})]


@dataclass(frozen=True)
class OfPorts:
    """What is done to ports of guests, and to other internal ones."""

    operations: Operations
    changes: list[Change]
    refused: list[str]
    kept: list[str]
    """What somebody else has set, and stays; in words."""


def of_ports(switch: VSwitch, bridge: Bridge, current: Current, mtus: dict[str, int]) -> OfPorts:
    """The vSwitch's MTU for ports that are neither its own nor its uplinks'."""
    found = OfPorts([], [], [], [])
    guests: list[Interface] = []
    smaller = _stock(switch, bridge, current)
    for port in current.ports_of(bridge):
        for name, row in current.members(port).items():
            if not row.ours and row.type != "internal":
                continue
            if switch.mtu is not None and not row.ours and before(row) is None and row.mtu_request:
                if row.mtu_request != switch.mtu:
                    found.kept.append(f"{name}: mtu {row.mtu_request}")
                continue
            operations, will = _port(row, switch.mtu)
            if not operations:
                continue
            mtus[name] = will
            found.operations.extend(operations)
            if row.ours:
                guests.append(row)
                if will < (row.mtu or 0):
                    smaller.append(current.guest(port))
            else:
                found.changes.append(_changed(switch, name, [row], will))
    if guests:
        what = f"{len(guests)} guests' ports" if len(guests) > 1 else guests[0].name
        will = min(mtus[row.name] for row in guests)
        found.changes.append(_changed(switch, what, guests, will))
    if smaller:
        least = min((mtus[row.name] for row in guests), default=switch.mtu)
        found.refused.append(f"{switch.name}: mtu {least} is below that of {named(smaller)}")
    return found


def _stock(switch: VSwitch, bridge: Bridge, current: Current) -> list[str]:
    """Guests that stock Ganeti has attached, whose MTU a new one of the vSwitch is below of."""
    if switch.mtu is None or not note_for_guests(switch, bridge):
        return []
    return [
        words
        for words, port in current.guests(bridge).items()
        for row in current.members(port).values()
        if not row.ours and (row.mtu or 0) > switch.mtu
    ]


def _port(row: Interface, wanted: int | None) -> tuple[Operations, int]:
    """Operations, and what the device will have; no operations if nothing is to be done."""
    if wanted is not None:
        if row.mtu_request == wanted:
            return [], 0
        return [Update(row.table, at(row.uuid), {_COLUMN: wanted}), *_keep(row)], wanted
    had = before(row)
    if had is None:
        return [], 0
    return [Update(row.table, at(row.uuid), {_COLUMN: None}), *_forget(row)], had or TAP_MTU


def _changed(switch: VSwitch, what: str, rows: Iterable[Interface], will: int) -> Change:
    old = sorted({"unset" if row.mtu_request is None else str(row.mtu_request) for row in rows})
    return Change(Kind.SET, switch.name, what, "mtu", " ".join(old), str(will))


def _keep(row: Interface) -> Operations:
    if before(row) is not None:
        return []
    return [mutate_map(row, "external_ids", {MTU_BEFORE: str(row.mtu or "")})]


def _forget(row: Interface) -> Operations:
    return [] if before(row) is None else [mutate_map(row, "external_ids", {MTU_BEFORE: None})]
