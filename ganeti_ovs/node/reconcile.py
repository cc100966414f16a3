"""This node brought to the right state: what runs here against what Open vSwitch has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.qemu import Monitors
from ganeti_ovs.linux.link import Link, interfaces
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import records, steps
from ganeti_ovs.node.carrying import Carrying
from ganeti_ovs.node.look import look
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import NODE, Session
from ganeti_ovs.plan.portsplan import plan_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.node.seen import Seen
    from ganeti_ovs.plan.portchanges import PortChange
    from ganeti_ovs.plan.portsplan import PortsPlan, PortStep

_LOOKS = 6
"""How often everything is looked at before it is given up: others go on changing it."""
_SINGLY = 4
"""From this look on, one transaction a tap: an odd row may keep all others from theirs."""
PATIENCE = 60.0
"""Seconds, besides those of one call, that several callers may wait for one another."""


@dataclass
class Done:
    """What was done, or would be."""

    changes: list[PortChange] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Ports that are left alone though they look odd; words for people, one a line."""
    problems: list[str] = field(default_factory=list)
    """What cannot be put right, the same."""


def reconcile(
    here: Runtime,
    *,
    news: Mapping[str, NicSettings] | None = None,
    whole: bool = True,
    dry_run: bool = False,
) -> Done:
    """Reconcile this node; return what was done (or would be, with `dry_run`).

    `news` are NICs (by UUID) as Ganeti has them now, for what a hook has just been told; they
    go before what was known (all of it; `whole` False: but for the parameters of `patches/`,
    of which Ganeti says nothing then). A NIC whose settings are wrong is a problem, its port is
    left as it is. Raises Error when Open vSwitch cannot be reached or does not apply the change.

    The node's lock is held from the first look to the end, the locks of the taps that are to be
    touched from before the look that counts: their scripts have ended, or wait.
    """
    with Session(here.socket, NODE, here.limit) as session:
        session.acquire(PATIENCE)
        return _Run(session, here, news or {}, whole).run(dry_run)


class _Run:
    def __init__(
        self, session: Session, here: Runtime, news: Mapping[str, NicSettings], whole: bool
    ) -> None:
        self.session, self.here, self.news, self.whole = session, here, news, whole
        self.monitors = Monitors()
        self.locked: set[str] = set()
        self.busy: set[str] = set()
        """Taps whose scripts hang."""
        self.carrying = Carrying()

    def run(self, dry_run: bool) -> Done:
        for number in range(_LOOKS):
            seen = look(
                self.session, self.here, self.news, self.busy, self.monitors, whole=self.whole
            )
            plan = self._plan(seen)
            if dry_run:
                return self._said(seen, plan, plan.steps)
            taps = {tap for step in plan.steps for tap in (step.tap, step.heir) if tap}
            touched = taps | seen.unwritten.keys()
            if not touched <= self.locked:
                self.busy |= self.session.also(touched - self.locked)
                self.locked |= touched - self.busy
                continue
            seen = seen.recorded(self.here)
            plan = self._plan(seen)
            if not _as_looked_at(seen, plan):
                continue
            failed: dict[str, str] = {}
            try:
                if number < _SINGLY:
                    steps.carry_out(self.session, plan.steps)
                else:
                    failed = steps.carry_out_singly(self.session, plan.steps)
            except TransactionFailed:
                continue
            return self._finish(seen, plan, failed)
        raise Error("the node's ports are being changed by others all the time; try again")

    def _plan(self, seen: Seen) -> PortsPlan:
        plan = plan_ports(seen.desired, seen.snapshot)
        return self.carrying.with_carried(self.session, seen.desired, seen.snapshot, plan)

    def _finish(self, seen: Seen, plan: PortsPlan, failed: Mapping[str, str]) -> Done:
        good = [step for step in plan.steps if step.tap not in failed]
        said = self._said(seen, plan, good)
        said.problems += [f"{tap}: {why}" for tap, why in failed.items()]
        attached = [step.tap for step in good if step.attached]
        refused = steps.refused_taps(self.session, attached) if attached else {}
        said.problems += [f"{tap}: {why}" for tap, why in refused.items()]
        for tap in attached:
            try:
                link = Link(tap)
                if link.index == seen.desired.plugs[tap].ifindex:
                    link.set_up()
                link.close()
            except Error as err:
                said.problems.append(str(err))
        self._forget()
        return said

    def _forget(self) -> None:
        """Remove records whose taps have gone, and halves of records.

        Under their locks, as a tap may be made anew and a record be written just now.
        """
        gone = records.names(self.here) - interfaces().keys()
        halves = records.halves(self.here)
        busy = self.session.also(gone | halves) if gone | halves else set()
        for tap in halves - busy:
            records.forget_half(self.here, tap)
        for tap in gone - busy - interfaces().keys():
            records.forget(self.here, tap)

    def _said(self, seen: Seen, plan: PortsPlan, steps: Iterable[PortStep]) -> Done:
        changes = [step.change for step in steps]
        return Done(changes, [*plan.left], [*seen.problems, *plan.problems])


def _as_looked_at(seen: Seen, plan: PortsPlan) -> bool:
    """True if the interfaces that the plan is about are still those that were looked at."""
    now = interfaces()
    return all(_same(step, seen, now) for step in plan.steps if step.tap)


def _same(step: PortStep, seen: Seen, now: Mapping[str, int]) -> bool:
    plug = seen.desired.plugs.get(step.tap)
    return now.get(step.tap) == (plug.ifindex if plug else None)
