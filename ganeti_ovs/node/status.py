"""This node's status: everything is looked at, now, and nothing is changed.

Of Ganeti what is wanted, of the database what is written, of ovs-vswitchd what is in effect, of
the kernel what is there. What could not be found out is a problem, no failure.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING

from ganeti_ovs import __version__
from ganeti_ovs.cluster.qemu import Monitors
from ganeti_ovs.linux.devices import devices, still_there
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.linux.qdisc import limits
from ganeti_ovs.model.document import digest, from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.model.reported import Asked
from ganeti_ovs.model.rows import Root
from ganeti_ovs.model.status import NodeStatus, Problem, Severity
from ganeti_ovs.node.document import change_lock, kept, kept_digest
from ganeti_ovs.node.guests import due_ports, guests, other_guests, unseen_guests
from ganeti_ovs.node.look import look
from ganeti_ovs.node.switches import host
from ganeti_ovs.ovsdb.asked import ask_all
from ganeti_ovs.ovsdb.client import DatabaseUnavailable
from ganeti_ovs.ovsdb.live import snapshot
from ganeti_ovs.ovsdb.pulse import LIMIT, pulse
from ganeti_ovs.ovsdb.reports import next_cfg, read_all, read_columns
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.plan.current import Current, Host
from ganeti_ovs.plan.flood import vlans
from ganeti_ovs.plan.found import Found, Wanted
from ganeti_ovs.plan.judge import constant, document_problems, in_order, judge
from ganeti_ovs.plan.nicstatus import unknown
from ganeti_ovs.plan.vswitch import plan_switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeVar

    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.reported import Device, Limits
    from ganeti_ovs.model.rows import Tables
    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.node.seen import Seen
    from ganeti_ovs.plan.portsplan import PortsPlan
    from ganeti_ovs.plan.switchplan import SwitchesPlan

    T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a change of the node's vSwitches that is under way is waited for."""
_START = "systemctl restart openvswitch-switch"
_WHILE = 2.0
"""Seconds for which a quiet moment is waited for, as ports of guests come and go."""
_PAUSE = 0.05
"""Seconds between two looks: a node that is busy is not to be kept busier."""


def node_status(
    here: Runtime, master: str, sent: str | None = None, patience: float = PATIENCE
) -> NodeStatus:
    """All of it. `sent`: the document that the master wants; None: the kept one is what is wanted.

    `master`: the address of who calls by ssh; "": nobody does. `patience`: seconds that a change
    that is under way is waited for; what differs in the middle of one is no drift.
    """
    return _Status(here, master, sent, patience).look()


class _Status:
    def __init__(self, here: Runtime, master: str, sent: str | None, patience: float) -> None:
        self.here, self.master, self.sent, self.patience = here, master, sent, patience
        self.node = os.uname().nodename
        self.problems: list[Problem] = []
        self.under_way = False

    def look(self) -> NodeStatus:
        with self._no_change():
            pass  # Who waits does so before all questions: answers should not get old.
        self.patience = min(self.patience, PATIENCE)
        try:
            with Session(self.here.socket, "", LIMIT) as session:
                looks = self._looks(session)
        except Error as err:
            trace()
            self.problems.clear()
            return self._unseen(err)
        return constant([judge(found, self.node, __version__) for found in looks])

    @contextmanager
    def _no_change(self) -> Iterator[None]:
        """Nobody changes the vSwitches inside, else `under_way`. Who is about to do so waits for
        it: nothing belongs in here that ovs-vswitchd or a guest is to answer.
        """
        with ExitStack() as stack:
            self.under_way = False
            try:
                stack.enter_context(change_lock(self.here, self.patience, shared=True))
            except Busy as err:
                self.under_way, self.patience = True, 0.0
                text = f"{err}; whether they are as wanted is not known"
                self._say(Severity.WARNING, "under-way", text)
            except Error as err:
                self._say(Severity.ERROR, "lock", str(err))
            yield

    def _unseen(self, err: Error) -> NodeStatus:
        """While the database does not answer, which harms no node that does without it."""
        with self._no_change():
            wanted = self._wanted()
        there = self._try("guests", lambda: unseen_guests(self.here)) or {}
        if there or wanted.switches or wanted.kept is not None:
            text = str(err).replace(f" at {self.here.socket}", "").partition("; is ")[0]
            if isinstance(err, DatabaseUnavailable):
                self._say(Severity.ERROR, "database-dead", text, _START)
            else:
                self._say(Severity.ERROR, "database-odd", text)
        return NodeStatus(
            self.node,
            __version__,
            unread=str(err),
            kept=wanted.kept,
            nics=unknown(there.values()),
            problems=in_order([*self.problems, *document_problems(wanted)]),
        )

    def _say(self, severity: Severity, kind: str, text: str, repair: str = "") -> None:
        self.problems.append(Problem(severity, kind, text, repair=repair))

    def _try(self, kind: str, question: Callable[[], T]) -> T | None:
        """What it answers; None, and a problem that says why, if it does not."""
        try:
            return question()
        except Error as err:
            trace()
            self._say(Severity.ERROR, kind, str(err))
        return None

    def _wanted(self) -> Wanted:
        digested = self._try("document", lambda: kept_digest(self.here))
        switches: tuple[VSwitch, ...] | None = None
        if self.sent is not None:
            try:
                wanted = from_document(self.sent)[0]
                return Wanted(wanted, digested, digest(self.sent), self.under_way)
            except BadInput as err:
                self._say(Severity.ERROR, "document-sent", str(err))
        elif digested:
            switches = self._try("document", lambda: kept(self.here))
        return Wanted(switches, digested, changing=self.under_way)

    def _looks(self, session: Session) -> list[Found]:
        """All of one moment. Changes may come all the time: then the last looks of several."""
        deadline = monotonic() + _WHILE
        looks: list[Found] = []
        while True:
            self.problems.clear()
            found = self._asked(session)
            before = next(iter(found.tables.of(Root).values()), None)
            quiet = before is not None and next_cfg(session) == before.next_cfg <= before.cur_cfg
            if quiet or found.dead:
                return [found]
            looks = [*looks[-1:], found]
            if len(looks) > 1 and monotonic() > deadline:
                return looks
            sleep(_PAUSE)

    def _asked(self, session: Session) -> Found:
        dead = pulse(session)
        seen, ports, tables = self._ports(session)
        there = self._try("kernel", devices)
        limited = self._limits(there, seen)
        columns = read_columns(session, tables)
        current = Current(tables)
        floods = {name: vlans(current, bridge) for name, bridge in current.bridges.items()}
        controlled = {name for name, bridge in current.bridges.items() if bridge.controller}
        asked = Asked() if dead else ask_all(session, floods, controlled)
        running = guests(seen) if seen else None
        with self._no_change():
            wanted = self._wanted()
            plan = None if self.under_way else self._drift(session, wanted, there, seen)
        if asked.problem:
            ours = wanted.switches or any(one.ours for one in current.bridges.values())
            severity = Severity.ERROR if running or ours else Severity.WARNING
            self._say(severity, "not-asked", asked.problem)
        # A guest that has ended meanwhile lacks nothing.
        there = None if there is None else still_there(there)
        return Found(
            tables=tables,
            dead=dead,
            columns=columns,
            asked=asked,
            devices=there,
            limits=limited,
            wanted=wanted,
            plan=plan,
            guests=running,
            desired=seen.desired if seen else None,
            snapshot=seen.snapshot if seen else snapshot(tables),
            ports=ports,
            others=other_guests(seen) if seen else {},
            problems=tuple(self.problems),
        )

    def _limits(
        self, there: Mapping[str, Device] | None, seen: Seen | None
    ) -> Mapping[str, Limits] | None:
        """What the kernel limits on guests' taps; after one answer that has not come, no other."""
        if there is None or seen is None:
            return None
        taps = {tap: there[tap].index for tap in seen.running if tap in there}
        return self._try("kernel", lambda: limits(taps))

    def _drift(
        self,
        session: Session,
        wanted: Wanted,
        there: Mapping[str, Device] | None,
        seen: Seen | None,
    ) -> SwitchesPlan | None:
        """What `gnt-ovs apply` would do, by rows of now; None where that is not to be found out."""
        if wanted.switches is None or there is None:
            return None
        switches, names = wanted.switches, frozenset(one.name for one in wanted.switches)
        current = Current(read_all(session), seen.instances if seen else None)
        known = self._try("kernel", lambda: host(self.master, switches, names, current))
        return plan_switches(switches, current, known or Host(frozenset(there)))

    def _ports(self, session: Session) -> tuple[Seen | None, PortsPlan | None, Tables]:
        monitors = Monitors()
        return due_ports(
            session, lambda rows: self._try("guests", partial(self._seen, session, rows, monitors))
        )

    def _seen(self, session: Session, tables: Tables, monitors: Monitors) -> Seen:
        return look(session, self.here, {}, monitors=monitors, snapshot=snapshot(tables))
