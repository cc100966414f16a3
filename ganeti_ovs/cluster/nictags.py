"""Tags of an instance for one setting of one NIC, or of all its NICs: which go, which come.

What comes names the NIC by its UUID, which it keeps for life: an index moves on to another NIC
when one is removed.
"""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.switchtags import MAX_TAG, TagChange
from ganeti_ovs.cluster.tags import PARSERS, parts_of
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.rate import format_bits

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from ganeti_ovs.cluster.tags import NicKey

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERY = "*"
"""All NICs of the instance."""

Asked = dict[str, str | None]
"""Setting -> its new value in its canonical form; None: back to what it is without."""


def canonical(setting: str, text: str) -> str:
    """`text` as it is stored. Raises BadInput for a wrong value.

    `none` stands for no VLAN at all, as in gnt-instance.
    """
    value = PARSERS[setting]("" if setting == "vlan" and text == "none" else text)
    return format_bits(value) if isinstance(value, int) else str(value)


def tag_of(which: str, setting: str, text: str) -> str:
    """The tag. Raises BadInput if Ganeti would not take it, as it is too long."""
    tag = f"ovs:nic:{which}:{setting}:{text}"
    if len(tag) > MAX_TAG:
        raise BadInput(
            f"{setting} is too long to be kept: {len(tag)} characters as a tag of Ganeti's, at most"
            f" {MAX_TAG}"
        )
    return tag


def naming(tags: Iterable[str], nic: NicKey | None, others: Sequence[NicKey]) -> list[str]:
    """The tags that are about `nic` alone (None: about all NICs), also those with a wrong value.

    A tag by a name that one of `others` has, too, is none: it goes on meaning that NIC.
    """
    found = []
    for tag in sorted(tags):
        parts = parts_of(tag)
        if parts is None:
            continue
        which = parts[0]
        mine = which == EVERY if nic is None else nic.is_meant_by(which)
        if mine and not any(one.is_meant_by(which) for one in others):
            found.append(tag)
    return found


def by_uuid(tag: str) -> tuple[str, str, str] | None:
    """(UUID, setting, value) of a tag that names a NIC by its UUID; None for all else."""
    parts = parts_of(tag)
    return parts if parts and _UUID.fullmatch(parts[0]) else None


def option_for(setting: str, text: str) -> str:
    """The option of gnt-ovs modify-nic that says a tag's setting and value, for a shell."""
    return f"--{setting.replace('_', '-')} {quote(text or 'none')}"


def indices(tags: Iterable[str]) -> set[str]:
    """The indices by which `tags` name NICs."""
    found = (parts_of(tag) for tag in tags)
    return {parts[0] for parts in found if parts is not None and parts[0].isdigit()}


def tag_change(
    tags: Iterable[str],
    nic: NicKey | None,
    others: Sequence[NicKey],
    asked: Asked,
    stored: Mapping[str, str],
    *,
    keep: Container[str] = (),
) -> TagChange:
    """What makes `stored` (setting -> text) all that tags say of the NIC alone, of what is `asked`.

    `nic` None: of all NICs, by *. `keep`: indices whose tags stay, as a NIC that runs had such a
    one when it was plugged. Raises BadInput for what is too long.
    """
    which = EVERY if nic is None else nic.uuid
    wanted = {tag_of(which, setting, text) for setting, text in stored.items()}
    present = set(tags)
    stale = {
        tag
        for tag in naming(present, nic, others)
        if (parts := parts_of(tag)) is not None and parts[1] in asked and parts[0] not in keep
    }
    return TagChange(tuple(sorted(stale - wanted)), tuple(sorted(wanted - present)))
