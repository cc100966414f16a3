"""Ganeti's VLAN grammar and the port types.

The grammar (gnt-instance(8), `--net`, parameter vlan)::

    (empty)          no VLAN: untagged frames only, or all VLANs on a trunk
    5  .5            access port of VLAN 5
    :10:20           trunk port, tagged VLANs 10 and 20
    2:10:20 .2:10:20 hybrid port: native (untagged) VLAN 2, tagged VLANs 10 and 20
"""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal
from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PORT_TYPES = ("access", "trunk", "hybrid")

_FORMS = "write .5 (access), :10:20 (trunk) or .2:10:20 (hybrid)"


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
    may stand there twice.
    """
    if not text:
        return Vlan()
    try:
        head, *tail = text.split(":")
        if head.startswith("."):
            native: int | None = _given_id(head[1:])
        elif head or not tail:
            native = _given_id(head)
        else:
            native = None
        trunks = sorted(map(_given_id, tail))
    except BadInput as err:
        raise BadInput(f"vlan {quoted(text)}: {err}; {_FORMS}") from err
    twice = _twice([*trunks, native])
    if twice is not None:
        raise BadInput(f"vlan {quoted(text)}: VLAN {twice} stands there twice")
    return Vlan(native, tuple(trunks))


def vlan_ids(words: list[str]) -> tuple[int, ...]:
    """The VLANs of a list, ascending. Raises BadInput; none may stand there twice."""
    vids = sorted(map(_vlan_id, words))
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
