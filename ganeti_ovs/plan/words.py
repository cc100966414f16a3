"""Changes in words, one line each."""

from __future__ import annotations

from ganeti_ovs.plan.changes import Change, Kind

_LINES = {
    Kind.MADE: "{switch}: made",
    Kind.ADOPTED: "{switch}: adopted",
    Kind.REMOVED: "{switch}: removed{cut}",
    Kind.PORT_MADE: "{switch}: uplink {devices} as port {subject}",
    Kind.PORT_ADOPTED: "{switch}: port {subject} adopted",
    Kind.PORT_MOVED: "{switch}: port {subject} moved here from {old}",
    Kind.PORT_REMOVED: "{switch}: port {subject} removed",
    Kind.UPLINK_ADDED: "{switch}: uplink {subject} added to {new}",
    Kind.UPLINK_REMOVED: "{switch}: uplink {subject} removed from {old}",
    Kind.SET: "{place} {old} -> {new}",
    Kind.SAID: "{new}",
}


def words(change: Change) -> str:
    """The line for people: `br0: bond-br0: trunks 10 20 -> 10 30`."""
    return _LINES[change.kind].format(
        **vars(change),
        place=place(change),
        devices=" and ".join(change.names),
        cut="".join(f"; cut {name}" for name in change.names),
    )


def place(change: Change) -> str:
    """Of a setting: `br0: bond-br0: trunks`."""
    return ": ".join(filter(None, (change.switch, change.subject, change.setting)))
