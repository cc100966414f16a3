"""One node-apply: what there is, what is to be changed, and what becomes of it."""

from __future__ import annotations

import os
import sys

from ganeti_ovs.model.document import digest
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.jsontext import dumps
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.calls import LONGEST
from ganeti_ovs.node.settle import data, settle
from ganeti_ovs.node.switches import kept, objections, prepare, set_up
from ganeti_ovs.node.takeback import put_back
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.plan.changes import FORMAT, to_json
from ganeti_ovs.plan.state import states
from ganeti_ovs.plan.words import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.node.calls import Calls
    from ganeti_ovs.node.guard import Guard
    from ganeti_ovs.ovsdb.session import Session
    from ganeti_ovs.plan.draft import Plan
    from ganeti_ovs.plan.found import Tables

_ATTEMPTS = 3
_MARGIN = 30.0
"""Seconds, besides those of ovs-vswitchd, that reading and writing rows may take in all."""


class Run:
    """What node-apply does with one document, the locks being held."""

    def __init__(
        self,
        session: Session,
        calls: Calls,
        wanted: tuple[VSwitch, ...],
        text: str,
        environ: dict[str, str],
        *,
        as_json: bool,
        force: bool,
    ) -> None:
        self.session, self.calls = session, calls
        self.wanted, self.text, self.environ = wanted, text, environ
        self.as_json, self.force = as_json, force
        self.tried = False
        """True as soon as something may have been changed, if only for a moment."""
        self.left = False
        """True if it could not be put back, which is then the guard's."""
        self.earlier: list[str] = []
        """What became of an earlier change that nobody had finished."""
        self.warnings: list[str] = []

    def settle(self, dry_run: bool) -> None:
        """First, an earlier change that nobody has finished."""
        done, problems = settle(self.session, self.environ, dry_run)
        self.earlier = [f"would have {one}" if dry_run else one for one in done] + problems

    def dry(self) -> bool:
        """Say what would be done; False if it would be refused."""
        plan, change = self._prepare()
        against = objections(plan, self.force)
        if not self.as_json:
            self._lines(plan)
            if against:
                raise Error("; ".join(against))
            return True
        say(
            applied=False,
            dry_run=True,
            **self._planned(plan),
            state=self._state(change.before),
            kept=kept(self.environ) == self.wanted,
            **({"error": "; ".join(against)} if against else {}),
        )
        return not against

    def apply(self, confirm: float) -> bool:
        """Change what is to be changed, and keep the document; False if it was taken back."""
        for _attempt in range(_ATTEMPTS):
            plan, change = self._prepare()
            against = objections(plan, self.force)
            if against:
                raise Error("; ".join(against))
            self.warnings[:0] = [f"forced: {line}" for line in (*plan.devices, *plan.refused)]
            if not change.empty:
                good = self._change(confirm, plan, change)
                if good is None:
                    continue
            else:
                self.warnings += set_up(self.wanted)
                good = self._finish(confirm, plan, change)
            self._tell(confirm, plan, good)
            return good
        raise Error("the vSwitches' ports are being changed by others all the time; try again")

    def _prepare(self) -> tuple[Plan, switches.Change]:
        plan, change = prepare(self.session, self.wanted, self.environ)
        self.warnings = [*self.earlier, *plan.warnings]
        return plan, change

    def _change(self, confirm: float, plan: Plan, change: switches.Change) -> bool | None:
        """None: others have changed the rows since they were read, and nothing was done."""
        # Imported only now: most calls are to look.
        from ganeti_ovs.node.announce import announce, leave, with_stations
        from ganeti_ovs.node.guard import Guard

        change = with_stations(self.session, change, self.wanted)
        limit = confirm + 4 * self.session.limit + _MARGIN
        former = pending.begin(self.environ, self.text, data(change))
        with Guard(self.session, change, self.environ, limit, self.text, former=former) as guard:
            self.tried = True
            try:
                leave(self.session, change, self.wanted)
                switches.commit(self.session, change, self.wanted)
            except TransactionFailed as err:
                self.tried = False
                pending.forget(self.environ, former)
                guard.dismiss()
                if err.error != "timed out":
                    raise
                return None
            except Error as err:
                raise self._failed(err, change, guard) from err
            try:
                self.warnings += set_up(self.wanted)
                if change.operations:
                    self.warnings += announce(self.session, self._moved(change), change)
                good = self._finish(confirm, plan, change)
            except Error as err:
                raise self._failed(err, change, guard) from err
            if not self.left:
                guard.dismiss()
            return good

    def _failed(self, err: Error, change: switches.Change, guard: Guard) -> Error:
        """Taken back; the error with what became of that."""
        words = self._put_back(change, str(err))
        if not self.left:
            guard.dismiss()
        return Error(f"{err}{words}")

    def _moved(self, change: switches.Change) -> list[str]:
        from ganeti_ovs.node.announce import moved

        return moved(change.before, switches.read_tables(self.session), self.wanted)

    def _put_back(self, change: switches.Change, why: str) -> str:
        """What became of it, in words that continue a line."""
        try:
            names = self._moved(change) if change.operations else []
        except Error:
            names = []
        back, words = put_back(self.session, change, names)
        self.left = not back
        if self.left:
            return f"{words}; this is tried for another minute, then by gnt-ovs reconcile"
        try:
            pending.taken_back(self.environ, digest(self.text), why)
        except Error as err:
            words += f"; {err}"
        return words

    def _finish(self, confirm: float, plan: Plan, change: switches.Change) -> bool:
        """Wait to be confirmed, then keep the document. False: it is put back."""
        if confirm:
            heard = say(applied=True, **self._done(plan))
            if not heard or self.calls.line(confirm, LONGEST) != "confirm":
                why = f"not confirmed within {confirm:g} s"
                say(confirmed=False, error=f"{why}{self._put_back(change, why)}")
                return False
        document.save(self.environ, self.text)
        try:  # noqa: SIM105
            pending.finish(self.environ)
        except Error:
            pass  # It is kept, so nobody takes it back.
        return True

    def _tell(self, confirm: float, plan: Plan, good: bool) -> None:
        if not good:
            return
        if confirm:
            say(confirmed=True)
        elif self.as_json:
            say(applied=True, **self._done(plan))
        else:
            self._lines(plan)
            if not plan.changes:
                print("nothing to do")

    def _done(self, plan: Plan) -> dict[str, Any]:
        state = self._state(switches.read_tables(self.session))
        return {**self._planned(plan), "state": state}

    def _planned(self, plan: Plan) -> dict[str, Any]:
        """`changes` in words for people and for a master of an older version, and as data."""
        return {
            "changes": [words(one) for one in plan.changes],
            "differences": [to_json(one) for one in plan.changes],
            "warnings": self.warnings,
        }

    def _lines(self, plan: Plan) -> None:
        for one in plan.changes:
            print(words(one))
        for line in self.warnings:
            print(f"warning: {line}", file=sys.stderr)

    def _state(self, tables: Tables) -> dict[str, Any]:
        return states(tables, [switch.name for switch in self.wanted])


def say(**what: Any) -> bool:
    """Print a line of JSON with the answers' format; False if nobody reads any more."""
    try:
        os.write(1, dumps({"format": FORMAT, **what}).encode() + b"\n")
    except OSError:
        return False
    return True
