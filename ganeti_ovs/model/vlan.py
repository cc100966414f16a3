"""Ganeti's VLAN grammar and the port types.

The grammar (gnt-instance(8), `--net`, parameter vlan)::

    (empty)          no VLAN: untagged frames only, or all VLANs on a trunk
    5  .5            access port of VLAN 5
    :10:20           trunk port, tagged VLANs 10 and 20
    2:10:20 .2:10:20 hybrid port: native (untagged) VLAN 2, tagged VLANs 10 and 20

We read ranges of tagged VLANs, too (`:10-20:30`), and write what is above.
"""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal
from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PORT_TYPES = ("access", "trunk", "hybrid")

_FORMS = "write .5 (access), :10:20-30 (trunk) or .2:10:20 (hybrid)"
_LONGEST = 40
"""Characters of a better text that is proposed."""


class Vlan(Frozen):
    """The VLANs of a port: the untagged one, if any, and the tagged ones, ascending."""

    native: int | None = None
    trunks: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Ganeti's own string, in its canonical form (`.5`, `:10:20`, `.2:10:20`)."""
        native = "" if self.native is None else f".{self.native}"
        return native + "".join(f":{vid}" for vid in self.trunks)


def parse_vlan(text: str) -> Vlan:
    """The Vlan that Ganeti's string `text` means. Raises BadInput for all else.

    IDs are 1-4094 (IEEE 802.1Q reserves 0 and 4095), ASCII digits, and none
    may stand there twice, nor in two ranges.
    """
    if not text:
        return Vlan()
    try:
        native, trunks = _parts(text)
    except BadInput as err:
        raise BadInput(f"vlan {quoted(text)}: {err}; {_meant(text) or _FORMS}") from err
    twice = _twice([*trunks, native])
    if twice is not None:
        raise BadInput(f"vlan {quoted(text)}: VLAN {twice} stands there twice")
    return Vlan(native, tuple(trunks))


def _parts(text: str) -> tuple[int | None, list[int]]:
    head, *tail = text.split(":")
    if head.startswith("."):
        native: int | None = _given_id(head[1:])
    elif head or not tail:
        native = _given_id(head)
    else:
        native = None
    return native, sorted(_expanded(tail))


def _meant(text: str) -> str:
    """What may have been meant; empty if that is not clear. Lists without a sign are tagged."""
    plain = text.strip().replace("..", "-")
    head = plain.partition(":")[0]
    for other in ",+;/ ":
        plain = plain.replace(other, ":")
    words = [ascending(word) for word in plain.split(":") if word]
    if not words or len(plain) > _LONGEST:
        return ""
    is_native = (head[:1] == "." or head.isdecimal()) and "-" not in words[0]
    meant = ("." if is_native else ":") + ":".join(words).lstrip(".")
    try:
        native, trunks = _parts(meant)
    except BadInput:
        return ""
    return "" if _twice([*trunks, native]) else f"did you mean {meant}?"


def ascending(word: str) -> str:
    """A range with its lower end first."""
    low, dash, high = word.partition("-")
    known = dash and len(word) < 10 and low.isdecimal() and high.isdecimal()
    turned = known and int(low) > int(high)
    return f"{high}-{low}" if turned else word


def vlan_ids(words: list[str]) -> tuple[int, ...]:
    """The VLANs of a list of IDs and ranges, ascending. Raises BadInput; none may stand there
    twice.
    """
    vids = sorted(_expanded(words))
    twice = _twice(vids)
    if twice is not None:
        raise BadInput(f"VLAN {twice} stands there twice")
    return tuple(vids)


def _twice(vids: Iterable[int | None]) -> int | None:
    """The first that was there before; None if there is none."""
    seen: set[int] = set()
    for vid in vids:
        if vid in seen:
            return vid
        if vid is not None:
            seen.add(vid)
    return None


def _expanded(words: list[str]) -> list[int]:
    """All VLANs of IDs and ranges (`10-20`)."""
    vids: list[int] = []
    for word in words:
        low, dash, high = word.partition("-")
        if not (dash and low and high):
            vids.append(_given_id(word))
            continue
        first, last = _vlan_id(low), _vlan_id(high)
        if first >= last:
            raise BadInput(f"range {word} does not ascend")
        vids += range(first, last + 1)
    return vids


def _given_id(text: str) -> int:
    if not text:
        raise BadInput("a VLAN ID is missing")
    return _vlan_id(text)


def _vlan_id(text: str) -> int:
    vid = decimal(text, "VLAN ID", 4)
    if not 1 <= vid <= 4094:
        raise BadInput(f"VLAN ID {vid} is not in 1-4094")
    return vid


def parse_port_type(text: str) -> str:
    """One of PORT_TYPES, else BadInput."""
    if text not in PORT_TYPES:
        raise BadInput(f"port_type {quoted(text)} is none of access, trunk, hybrid")
    return text


def port_type_for(vlan: Vlan, wanted: str | None) -> str:
    """The port type of a NIC with this `vlan` whose parameter says `wanted` (or nothing).

    Absent, it follows from the VLANs; no VLAN at all is an access port of the
    untagged network. A `wanted` type that the VLANs contradict is BadInput: a
    hybrid port without both kinds of VLAN would pass all of them or none.
    """
    natural = "access" if not vlan.trunks else "trunk" if vlan.native is None else "hybrid"
    if wanted is None or wanted == natural:
        return natural
    if wanted == "trunk" and vlan == Vlan():
        return wanted
    forms = {
        "access": "an access port takes one VLAN (.5) or none",
        "trunk": "a trunk takes tagged VLANs (:10:20) or none, which means all",
        "hybrid": "a hybrid port takes a native VLAN and tagged ones (.2:10:20)",
    }
    shown = f"vlan {vlan}" if vlan != Vlan() else "no vlan"
    raise BadInput(f"port_type {wanted} contradicts {shown}: {forms[wanted]}")
