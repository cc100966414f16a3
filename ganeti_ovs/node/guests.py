"""The running guests' NICs that a look has seen, as values for the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.model.errors import printable
from ganeti_ovs.plan.found import Guest

if TYPE_CHECKING:
    from ganeti_ovs.node.look import Seen
    from ganeti_ovs.node.running import Running


def guests(seen: Seen) -> dict[str, Guest]:
    """Those of mode openvswitch, and those of which it is not known, by tap."""
    troubles = {one.tap: one for one in seen.troubles}
    found = {}
    for tap, one in seen.running.items():
        if one.nic is not None and one.nic.mode != "openvswitch":
            continue
        trouble = troubles.get(tap)
        found[tap] = _guest(one, trouble.kind if trouble else "", trouble.words if trouble else "")
    return found


def _guest(one: Running, kind: str, words: str) -> Guest:
    nic = one.nic or NicSettings()
    return Guest(
        printable(one.instance),
        printable(nic.index),
        printable(nic.uuid),
        one.tap,
        printable(nic.mac.lower()),
        trouble=words,
        trouble_kind=kind,
        down=bool(nic.down),
    )
