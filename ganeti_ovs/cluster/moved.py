"""NICs whose index has changed, so that tags by index mean another NIC than before.

Ganeti numbers an instance's NICs anew when one is removed or inserted; tags keep the old
numbers. A NIC that runs keeps what it was given, until tags say the same of it under both
its indices: TAGS_INDEX in its environment is the index by which it was plugged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import means_another

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Environment = dict[str, str]


def keep_index(nic: Environment, plugged: str) -> bool:
    """Set TAGS_INDEX of `nic` to `plugged` if tags would mean something else by its new index.

    Returns whether that is so. Raises BadInput for wrong tags.
    """
    nic.pop("TAGS_INDEX", None)
    index = nic.get("INTERFACE_INDEX", "")
    if not plugged or plugged == index or not means_another(nic, plugged, index):
        return False
    nic["TAGS_INDEX"] = plugged
    return True


def kept(moved: Sequence[Mapping[str, str]]) -> str:
    """A line for people about a guest's NICs that run under their old indices."""
    words = ", ".join(f"NIC {one['INTERFACE_INDEX']} was NIC {one['TAGS_INDEX']}" for one in moved)
    return (
        f"{moved[0]['INSTANCE']}: {words} when plugged, and what the tags gave it then is kept; by"
        f" index they mean another NIC now, write them by UUID: {commands(moved)}"
    )


def commands(moved: Sequence[Mapping[str, str]]) -> str:
    """What writes tags by UUID instead of by index, for a guest's NICs that have got another index.

    Each of `moved` has INSTANCE, TAGS, INTERFACE_UUID, INTERFACE_INDEX, and in TAGS_INDEX its
    index of before.
    """
    instance, stale, add = moved[0]["INSTANCE"], set(), set()
    for nic in moved:
        for tag in nic.get("TAGS", "").split():
            parts = tag.split(":", 3)
            if parts[:2] != ["ovs", "nic"] or len(parts) < 4:
                continue
            if parts[2] in (nic["TAGS_INDEX"], nic["INTERFACE_INDEX"]):
                stale.add(tag)
            if parts[2] == nic["TAGS_INDEX"]:
                add.add(f"ovs:nic:{nic['INTERFACE_UUID']}:{parts[3]}")
    lines = [
        f"gnt-instance {verb} {instance} {' '.join(sorted(some))}"
        for verb, some in (("add-tags", add), ("remove-tags", stale))
        if some
    ]
    return "; ".join(lines)
