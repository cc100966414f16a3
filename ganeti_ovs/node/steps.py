"""A plan for the whole node, carried out: one transaction, applied?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb.client import DatabaseUnavailable
from ganeti_ovs.ovsdb.live import read_snapshot
from ganeti_ovs.ovsdb.session import NotApplied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.ovsdb.session import Session
    from ganeti_ovs.plan.portsplan import PortStep


def carry_out(session: Session, steps: Iterable[PortStep]) -> None:
    """All of `steps` in one transaction, but for names that are used anew: those go before it.

    Waits until ovs-vswitchd has applied it. Raises TransactionFailed: something is not as it
    was looked at any more, or one odd row keeps all others from it; removals may be done.
    """
    removals: Operations = [one for step in steps for one in step.removals]
    operations: Operations = [one for step in steps for one in (*step.unchanged, *step.operations)]
    for some in (removals, operations):
        if some:
            _results, cfg = session.commit(some)
            session.wait_applied(cfg)


def carry_out_singly(session: Session, steps: Iterable[PortStep]) -> dict[str, str]:
    """Each step in a transaction of its own; those that fail, with the reason."""
    failed = {}
    for step in steps:
        try:
            carry_out(session, [step])
        except (NotApplied, DatabaseUnavailable):
            raise
        except Error as err:
            failed[step.tap] = str(err)
    return failed


def refused_taps(session: Session, taps: Iterable[str]) -> dict[str, str]:
    """Which of `taps`, that have just got ports, ovs-vswitchd does not have -> why, in words.

    Their ports stay, to be tried again when their devices are there.
    """
    live = read_snapshot(session).live
    problems = {}
    for tap in taps:
        if tap not in live:
            problems[tap] = "its port has gone again"
            continue
        row = live[tap].interface
        if row.error:
            problems[tap] = f"ovs-vswitchd refuses the port: {row.error}"
        elif not (row.ofport or -1) > 0:
            problems[tap] = "ovs-vswitchd has not taken the port; see ovs-vswitchd.log"
    return problems
