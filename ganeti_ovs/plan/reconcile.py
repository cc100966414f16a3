"""A whole node: (the NICs that run here, the ports that are there) -> operations."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganeti_ovs.model.errors import Error
from ganeti_ovs.plan.change import Live, change
from ganeti_ovs.plan.port import attach, detach, refuse_foreign
from ganeti_ovs.plan.wire import delete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.plan.wire import Operations


@dataclass(frozen=True)
class Node:
    """What there is."""

    live: dict[str, Live]
    """All ports with one interface, ours or not, by name."""
    switches: frozenset[str]
    interfaces: frozenset[str]
    """The node's network interfaces."""
    other_taps: frozenset[str] = frozenset()
    """Taps of running NICs that are not for Open vSwitch."""
    orphans: tuple[tuple[str, str], ...] = ()
    """(table, row UUID) of QoS and Queue rows of ours that no port uses."""


@dataclass(frozen=True)
class Plan:
    """What to do. The words are for people, one a line."""

    removals: Operations = field(default_factory=list)
    """Ports that must be gone, and applied as gone, before their names are used anew."""
    operations: Operations = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    """Taps that get a new port."""
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Ports that are left alone though they look odd."""
    problems: list[str] = field(default_factory=list)
    """What cannot be put right."""


def reconcile(wanted: dict[str, Nic], node: Node) -> Plan:
    """Operations that give each NIC of `wanted` (by tap) its port, and remove our stale ones.

    Ports of ours whose tap is gone, or belongs to a NIC of another mode, go.
    A port of ours whose tap is there but belongs to no NIC that we know stays
    and is reported: its guest may just be starting.
    """
    plan = Plan()
    for number, (tap, nic) in enumerate(sorted(wanted.items())):
        _one(plan, nic, node.live.get(tap), node, str(number))
    for tap, live in sorted(node.live.items()):
        if tap in wanted or not live.found.marked:
            continue
        if tap not in node.interfaces or tap in node.other_taps:
            plan.operations.extend(detach(live.found))
            reason = "is not for Open vSwitch" if tap in node.other_taps else "is gone"
            plan.done.append(f"removed {tap} from {live.switch}: its interface {reason}")
        else:
            plan.left.append(f"{tap} on {live.switch} belongs to no guest that Ganeti runs here")
    for table, row in node.orphans:
        plan.operations.append(delete(table, row))
        plan.done.append(f"removed an unused {table} row of ours")
    return plan


def _one(plan: Plan, nic: Nic, live: Live | None, node: Node, suffix: str) -> None:
    name = f"{nic.tap} ({nic.instance}, NIC {nic.index})"
    if nic.switch not in node.switches:
        plan.problems.append(f"{name}: this node has no vSwitch {nic.switch}")
        return
    if live is not None:
        same = live.found.marked and live.found.iface_id == nic.uuid and live.switch == nic.switch
        if same and _bound(live):
            operations = change(nic, live, suffix)
            if operations:
                plan.operations.extend(operations)
                plan.done.append(f"changed {name} on {nic.switch}")
            return
        if not live.found.marked:
            try:
                refuse_foreign(live.found)
            except Error as err:
                plan.problems.append(f"{name}: {err}")
                return
        plan.removals.extend(detach(live.found))
        plan.done.append(f"replaced {name} on {nic.switch}")
    else:
        plan.done.append(f"attached {name} to {nic.switch}")
    plan.operations.extend(attach(nic, suffix))
    plan.attached.append(nic.tap)


def _bound(live: Live) -> bool:
    """True if ovs-vswitchd has the interface's device open."""
    ofport = live.interface["ofport"]
    return isinstance(ofport, int) and ofport > 0 and not isinstance(live.interface["error"], str)
