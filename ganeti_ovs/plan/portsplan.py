"""A whole node: (the NICs that run here, the ports that are there) -> operations, tap by tap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.operations import Comment, Delete, Wait, at
from ganeti_ovs.model.plug import parse_plug
from ganeti_ovs.plan.adjust import adjust
from ganeti_ovs.plan.port import attach, detach, refuse_foreign
from ganeti_ovs.plan.portchanges import PortChange, PortKind, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.plug import Plug
    from ganeti_ovs.model.snapshot import Live, Snapshot
    from ganeti_ovs.plan.portchanges import Setting


@dataclass(frozen=True)
class DesiredPorts:
    """What this node's ports must be, by tap."""

    nics: Mapping[str, Nic]
    plugs: Mapping[str, Plug]
    """The plug that each of the node's network interfaces has now."""
    others: frozenset[str] = frozenset()
    """Taps of running NICs that are not for Open vSwitch."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Taps whose ports stay as they are, whatever they are -> why, in words (empty: is said)."""
    busy: frozenset[str] = frozenset()
    """Those of `kept` that somebody else is working at."""
    unrecorded: frozenset[str] = frozenset()
    """Taps without a record of what `nics` wants for them."""


@dataclass(frozen=True)
class PortStep:
    """What is to be done for one tap (its name is empty: rows that no port uses)."""

    tap: str
    change: PortChange
    removals: Operations
    """What must be gone, and applied as gone, before the tap's name is used anew."""
    operations: Operations
    unchanged: Operations = field(default_factory=list)
    """Make the transaction fail if the port is not any more what was looked at."""
    attached: bool = False
    """True if the tap gets a new port."""
    goes: Live | None = None
    """The port that goes."""
    nic: Nic | None = None
    """Whose port is made or changed."""
    heir: str = ""
    """The tap of a port that stays and gets what hung on the one that goes."""


@dataclass(frozen=True)
class PortsPlan:
    """What to do."""

    steps: tuple[PortStep, ...] = ()
    left: tuple[str, ...] = ()
    """Ports that are left alone though they look odd; words for people, one a line."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Taps whose ports cannot be put right -> why."""
    problems: tuple[str, ...] = ()
    """The same, with whose they are."""


def plan_ports(desired: DesiredPorts, snapshot: Snapshot) -> PortsPlan:
    """What gives each NIC its port and removes our stale ones.

    Ports of ours whose tap is gone, was made anew, or belongs to a NIC of another mode, go.
    A port of ours whose tap is there but belongs to no NIC that we know stays and is
    reported: its guest may just be starting. An odd tap gets a line and harms no other.
    """
    steps: list[PortStep] = []
    left: list[str] = []
    problems: list[str] = []
    refused: dict[str, str] = {}
    for number, (_tap, nic) in enumerate(sorted(desired.nics.items())):
        try:
            step = _wanted(nic, desired, snapshot, str(number))
        except Error as err:
            refused[nic.tap] = str(err)
            problems.append(f"{_name(nic)}: {err}")
            continue
        if step is not None:
            steps.append(step)
    for tap, live in sorted(snapshot.live.items()):
        if tap in desired.nics or tap in desired.busy:
            continue
        why = _stale(live, desired) if live.found.marked else ""
        if desired.kept.get(tap) and not why:
            left.append(f"{tap} on {live.switch}: {desired.kept[tap]}")
        if (tap in desired.kept and not why) or not live.found.marked:
            continue
        if why:
            change = PortChange(PortKind.REMOVED, tap, live.switch, why=f"its interface {why}")
            operations = detach(live.found)
            steps.append(PortStep(tap, change, [], operations, still_there(live), goes=live))
        else:
            left.append(f"{tap} on {live.switch} belongs to no guest that Ganeti runs here")
    for table, uuid in snapshot.orphans:
        change = PortChange(PortKind.ROW_REMOVED, subject=table)
        steps.append(PortStep("", change, [], [Delete(table, uuid)]))
    return PortsPlan(tuple(steps), tuple(left), refused, tuple(problems))


def _wanted(nic: Nic, desired: DesiredPorts, snapshot: Snapshot, suffix: str) -> PortStep | None:
    live, bridge = snapshot.live.get(nic.tap), snapshot.bridges.get(nic.switch)
    if nic.switch not in snapshot.switches:
        raise Error(f"this node has no vSwitch {nic.switch}")
    if nic.tap in snapshot.odd:
        raise Error(
            f"Open vSwitch has {nic.tap} as {snapshot.odd[nic.tap]}, which is not ours;"
            " remove it by hand"
        )
    if live is None:
        change = _change(PortKind.ATTACHED, nic)
        return PortStep(nic.tap, change, [], attach(nic, suffix, bridge), attached=True, nic=nic)
    why = _other(nic, live, desired.plugs.get(nic.tap))
    if not why and live.switch == nic.switch:
        operations = adjust(nic, live, suffix, nic.tap in desired.unrecorded, bridge)
        change = _change(PortKind.CHANGED, nic, settings(nic, live))
        new = live.interface.ofport is None
        if not operations and new:
            operations = [Comment(f"ganeti-ovs: {nic.tap} is waited for")]
            change = _change(PortKind.WAITED, nic)
        if not operations:
            return None
        return PortStep(nic.tap, change, [], operations, still_there(live), attached=new, nic=nic)
    if not live.found.marked:
        refuse_foreign(live.found)
    return PortStep(
        nic.tap,
        _change(PortKind.REPLACED, nic, () if why else settings(nic, live), why),
        [*still_there(live), *detach(live.found)],
        attach(nic, suffix, bridge),
        attached=True,
        goes=live,
        nic=nic,
    )


def _other(nic: Nic, live: Live, now: Plug | None) -> str:
    """Why the port cannot become the NIC's as it is, in words; empty if it can."""
    if not live.found.marked:
        return "it was not ours"
    if live.found.iface_id != nic.uuid:
        return "it was another NIC's"
    made = parse_plug(live.found.plug)
    if made is not None and now is not None and not made.same(now):
        return "its interface was made anew"
    return "" if bound(live, now) else "ovs-vswitchd did not have it"


def _change(
    kind: PortKind, nic: Nic, settings: tuple[Setting, ...] = (), why: str = ""
) -> PortChange:
    return PortChange(kind, nic.tap, nic.switch, nic.instance, nic.index, settings, why)


def _stale(live: Live, desired: DesiredPorts) -> str:
    """Why a port of ours that no NIC wants must go; empty if it may be needed."""
    tap = live.found.tap
    if tap not in desired.plugs:
        return "is gone"
    if tap in desired.others:
        return "is not for Open vSwitch"
    made = parse_plug(live.found.plug)
    if made is not None and not made.same(desired.plugs[tap]):
        return "was made anew"
    return ""


def bound(live: Live, now: Plug | None) -> bool:
    """True if ovs-vswitchd has the interface's device open, and it is the one of this plug.

    Also if it has not looked at a port of this plug yet: it may be dead, and to take the port
    away then would leave the guest without one when it is back.
    """
    ofport = live.interface.ofport
    made = parse_plug(live.found.plug)
    if live.interface.error is not None:
        return False
    if made is not None and now is not None and not made.same(now):
        return False
    return ofport > 0 if ofport is not None else made is not None and now is not None


def still_there(live: Live) -> Operations:
    """Both rows are still there, and still about the same."""
    checks = ((live.interface, "external_ids"), (live.port, "interfaces"))
    return [Wait(one.table, at(one.uuid), {column: one.columns[column]}) for one, column in checks]


def _name(nic: Nic) -> str:
    return f"{nic.tap} ({nic.instance}, NIC {nic.index})"
