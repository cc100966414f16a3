"""The running guests' NICs that a look has seen, as values for the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.errors import printable
from ganeti_ovs.node.running import running_nics
from ganeti_ovs.plan.found import Guest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.node.running import Running
    from ganeti_ovs.node.seen import Seen, Trouble


def guests(seen: Seen) -> dict[str, Guest]:
    """Those of mode openvswitch, and those of which it is not known, by tap."""
    return _guests(seen.running, {one.tap: one for one in seen.troubles})


def other_guests(seen: Seen) -> dict[str, str]:
    """Taps of NICs of other modes -> their instances."""
    taps = seen.desired.others
    return {tap: printable(one.instance) for tap, one in seen.running.items() if tap in taps}


def unseen_guests(here: Runtime) -> dict[str, Guest]:
    """The same, while Open vSwitch's database does not answer."""
    return _guests(running_nics(here, interfaces()), {})


def _guests(running: Mapping[str, Running], troubles: Mapping[str, Trouble]) -> dict[str, Guest]:
    return {
        tap: _guest(one, troubles.get(tap))
        for tap, one in running.items()
        if one.nic is None or one.nic.mode == "openvswitch"
    }


def _guest(one: Running, trouble: Trouble | None) -> Guest:
    nic = one.nic or NicSettings()
    return Guest(
        printable(one.instance),
        printable(nic.index),
        printable(nic.uuid),
        one.tap,
        printable(nic.mac.lower()),
        trouble=trouble.words if trouble else "",
        trouble_kind=trouble.kind if trouble else "",
        down=bool(nic.down),
    )
