"""The running guests' NICs that a look has seen, as values for the judge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.errors import printable
from ganeti_ovs.node.running import running_nics
from ganeti_ovs.ovsdb.reports import read_all
from ganeti_ovs.plan.found import Guest
from ganeti_ovs.plan.portsplan import PortsPlan, plan_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.rows import Tables
    from ganeti_ovs.node.running import Running
    from ganeti_ovs.node.seen import Seen, Trouble
    from ganeti_ovs.ovsdb.session import Session

_LOOKS = 3
"""How often ports that are not right are looked at: guests come and go meanwhile."""


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


def due_ports(
    session: Session, see: Callable[[Tables], Seen | None]
) -> tuple[Seen | None, PortsPlan | None, Tables]:
    """What there is of guests' ports, what is to be done for them, and all rows.

    `see` looks at what runs here, the rows being read; None: that was not to be found out.
    NOTE: the database is read before the kernel, and a guest may have come in between; what is
    wrong is wrong at each of several looks.
    """
    wrong: set[str] | None = None
    for _number in range(_LOOKS):
        tables = read_all(session)
        seen = see(tables)
        if seen is None:
            return None, None, tables
        plan = plan_ports(seen.desired, seen.snapshot)
        due = {step.tap for step in plan.steps} | set(plan.refused)
        wrong = due if wrong is None else wrong & due
        if not wrong:
            break
    return seen, _only(plan, wrong or set()), tables


def _only(plan: PortsPlan, taps: set[str]) -> PortsPlan:
    """What is to be done for these taps."""
    return replace(
        plan,
        steps=tuple(step for step in plan.steps if step.tap in taps),
        refused={tap: why for tap, why in plan.refused.items() if tap in taps},
    )
