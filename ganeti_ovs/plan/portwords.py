"""Changes of guests' ports in words, one line each."""

from __future__ import annotations

from ganeti_ovs.plan.portchanges import PortChange, PortKind

_LINES = {
    PortKind.ATTACHED: "attached {whose} to {switch}",
    PortKind.CHANGED: "changed {whose} on {switch}",
    PortKind.REPLACED: "replaced {whose} on {switch}",
    PortKind.WAITED: "waited for {whose} on {switch}",
    PortKind.REMOVED: "removed {tap} from {switch}",
    PortKind.ROW_REMOVED: "removed an unused {subject} row of ours",
}


def port_words(change: PortChange) -> str:
    """The line for people: `changed tap0 (inst1.lab, NIC 0) on br0: VLAN .100 -> .200`."""
    line = _LINES[change.kind].format(
        **vars(change), whose=f"{change.tap} ({change.instance}, NIC {change.nic})"
    )
    what = [f"{one.name} {one.old} -> {one.new}" for one in change.settings]
    more = ", ".join([*([change.why] if change.why else []), *what])
    line = f"{line}: {more}" if more else line
    if change.carried:
        line += f"; carried over: {', '.join(change.carried)}"
    return line


def lost_words(change: PortChange, *, dry_run: bool = False) -> str:
    """A line about what others had hung on the port that goes; empty if that is nothing."""
    if not change.lost:
        return ""
    words = f"with its port {'would go' if dry_run else 'went'} {', '.join(change.lost)}"
    by_hand = "; its NIC's new port gets it by hand alone" if change.heir else ""
    return f"{change.tap}: {words}{by_hand}"
