"""NICs whose index has changed, so that tags by index mean another NIC than before.

Ganeti numbers an instance's NICs anew when one is removed or inserted; tags keep the old
numbers. A NIC that runs keeps what it was given, until tags say the same of it under both
its indices: TAGS_INDEX in its environment is the index by which it was plugged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import means_another

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Environment = dict[str, str]


def keep_index(nic: Environment, plugged: str) -> str:
    """Set TAGS_INDEX of `nic` to `plugged` if tags would mean something else by its new index.

    Returns a line about it for people, empty if there is nothing to say. Raises BadInput for
    wrong tags.
    """
    nic.pop("TAGS_INDEX", None)
    index = nic.get("INTERFACE_INDEX", "")
    if not plugged or plugged == index or not means_another(nic, plugged, index):
        return ""
    nic["TAGS_INDEX"] = plugged
    return (
        f"{nic['INSTANCE']}: NIC {index} was NIC {plugged} when it was plugged, and keeps what the"
        f" tags gave it then; by index they mean another NIC now: {commands(nic['TAGS'], [nic])}"
    )


def commands(tags: str, moved: Iterable[Mapping[str, str]]) -> str:
    """What writes tags by UUID instead of by index, for NICs that have got another index.

    Each of `moved` has INSTANCE, INTERFACE_UUID, INTERFACE_INDEX, and in TAGS_INDEX its index
    of before.
    """
    instance, stale, add = "", set(), set()
    for nic in moved:
        instance = nic["INSTANCE"]
        for tag in tags.split():
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
