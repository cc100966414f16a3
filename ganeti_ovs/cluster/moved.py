"""NICs whose index has changed, so that tags by index mean another NIC than before.

Ganeti numbers an instance's NICs anew when one is removed or inserted; tags keep the old
numbers. A NIC that runs keeps what it was given, until tags say the same of it under both
its indices: `tags_index` is the index by which it was plugged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import means_another

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganeti_ovs.cluster.environment import NicSettings


def keep_index(said: NicSettings, plugged: str) -> NicSettings:
    """The same, with `plugged` as its `tags_index` if by its new index tags mean something else.

    Without any `tags_index` if they do not. Raises BadInput for wrong tags.
    """
    moved = plugged and plugged != said.index and means_another(said, plugged, said.index)
    return said.but(tags_index=plugged if moved else "")


def kept(moved: Sequence[NicSettings]) -> str:
    """A line for people about a guest's NICs that run under their old indices."""
    words = ", ".join(f"NIC {one.index} was NIC {one.tags_index}" for one in moved)
    return (
        f"{moved[0].instance}: {words} when plugged, and what the tags gave it then is kept; by"
        f" index they mean another NIC now, write them by UUID: {commands(moved)}"
    )


def commands(moved: Sequence[NicSettings]) -> str:
    """What writes tags by UUID instead of by index, for a guest's NICs that have got another index.

    The `tags_index` of each is its index of before.
    """
    instance, stale, add = moved[0].instance, set(), set()
    for nic in moved:
        for tag in nic.tags.split():
            parts = tag.split(":", 3)
            if parts[:2] != ["ovs", "nic"] or len(parts) < 4:
                continue
            if parts[2] in (nic.tags_index, nic.index):
                stale.add(tag)
            if parts[2] == nic.tags_index:
                add.add(f"ovs:nic:{nic.uuid}:{parts[3]}")
    lines = [
        f"gnt-instance {verb} {instance} {' '.join(sorted(some))}"
        for verb, some in (("add-tags", add), ("remove-tags", stale))
        if some
    ]
    return "; ".join(lines)
