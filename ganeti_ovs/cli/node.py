"""gnt-ovs node-apply: make this node's vSwitches what the document on standard input says."""

from __future__ import annotations

import os
import sys

from ganeti_ovs.cli.calls import Calls
from ganeti_ovs.cluster import document
from ganeti_ovs.hooks.switches import kept, objections, prepare, set_down, set_up
from ganeti_ovs.model.document import from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.model.jsontext import dumps
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.client import TransactionFailed, default_socket
from ganeti_ovs.ovsdb.session import Session, apply_limit
from ganeti_ovs.ovsdb.state import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.found import Tables
    from ganeti_ovs.plan.vswitch import Plan

_INPUT_LIMIT = 30.0
"""Seconds in which the document must come."""
_LONGEST = 4 << 20
"""Bytes that a document may have."""
_ATTEMPTS = 3
_MARGIN = 30.0
"""Seconds, besides those of ovs-vswitchd, that reading and writing rows may take in all."""


def carry_out(
    dry_run: bool = False,
    as_json: bool = False,
    force: bool = False,
    confirm: float = 0,
    database: Optional[str] = None,  # noqa: UP045
) -> bool:
    """What the options of node-apply ask for; False if it was not done. Raises Error."""
    environ = dict(os.environ)
    as_json = as_json or confirm > 0
    run = None
    limit = apply_limit(environ)
    with Calls() as calls:
        try:
            wanted, text = _read(calls)
            path = database or default_socket(environ)
            lock = document.change_lock(environ, limit)
            with lock, Session(path, switches.LOCK, limit) as session:
                session.acquire()
                run = _Run(session, calls, wanted, text, environ, as_json=as_json, force=force)
                good = run.dry() if dry_run else run.apply(confirm)
        except Error as err:
            if not as_json:
                raise
            _say(applied=False, tried=run is not None and run.tried, error=str(err))
            good = False
    return good


def _read(calls: Calls) -> tuple[tuple[VSwitch, ...], str]:
    text = calls.line(_INPUT_LIMIT, _LONGEST)
    if not text:
        raise BadInput("no document of the vSwitches came on standard input")
    return from_document(text)[0], text


class _Run:
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

    def dry(self) -> bool:
        """Say what would be done; False if it would be refused."""
        plan, change = prepare(self.session, self.wanted, self.environ)
        against = objections(plan, self.force)
        if not self.as_json:
            _lines(plan.changes, plan.warnings)
            if against:
                raise Error("; ".join(against))
            return True
        _say(
            applied=False,
            dry_run=True,
            changes=plan.changes,
            warnings=plan.warnings,
            state=self._state(change.before),
            kept=kept(self.environ) == self.wanted,
            **({"error": "; ".join(against)} if against else {}),
        )
        return not against

    def apply(self, confirm: float) -> bool:
        """Change what is to be changed, and keep the document; False if it was taken back."""
        for _attempt in range(_ATTEMPTS):
            plan, change = prepare(self.session, self.wanted, self.environ)
            against = objections(plan, self.force)
            if against:
                raise Error("; ".join(against))
            plan.warnings[:0] = [f"forced: {line}" for line in (*plan.devices, *plan.refused)]
            if not change.operations:
                plan.warnings += set_up(self.wanted)
                good = self._finish(confirm, plan, change)
                self._tell(confirm, plan, good)
                return good
            # Imported only now: most calls are to look.
            from ganeti_ovs.cli.guard import Guard
            from ganeti_ovs.ovsdb.learning import announce, leave, with_stations

            change = with_stations(self.session, change, self.wanted)
            limit = confirm + 4 * self.session.limit + _MARGIN
            self.tried = True
            with Guard(self.session, change, self.environ, limit) as guard:
                try:
                    leave(self.session, change, self.wanted)
                    switches.commit(self.session, change, self.wanted)
                except TransactionFailed as err:
                    guard.dismiss()
                    if err.error != "timed out":
                        raise
                    continue
                plan.warnings += set_up(self.wanted)
                try:
                    plan.warnings += announce(self.session, self._moved(change), change)
                    good = self._finish(confirm, plan, change)
                except Error as err:
                    raise Error(f"{err}{self._put_back(change)}") from None
                if not self.left:
                    guard.dismiss()
                self._tell(confirm, plan, good)
                return good
        raise Error("the vSwitches' ports are being changed by others all the time; try again")

    def _moved(self, change: switches.Change) -> list[str]:
        from ganeti_ovs.ovsdb.learning import moved

        return moved(change.before, switches.read_tables(self.session), self.wanted)

    def _put_back(self, change: switches.Change) -> str:
        """What became of it, in words that continue a line."""
        if not change.operations:  # Links alone: no guard was needed, and none is there.
            set_down(change)
            return "; everything is as it was before"
        from ganeti_ovs.ovsdb.learning import announce

        try:
            names = self._moved(change)
        except Error:
            names = []
        back, words = switches.put_back(self.session, change)
        self.left = not back
        if self.left:
            return f"{words}; this is tried for another minute"
        set_down(change)
        announce(self.session, names, change)
        return words

    def _finish(self, confirm: float, plan: Plan, change: switches.Change) -> bool:
        """Wait to be confirmed, then keep the document. False: it is put back."""
        if confirm:
            heard = _say(applied=True, **self._done(plan))
            if not heard or self.calls.line(confirm, _LONGEST) != "confirm":
                left = self._put_back(change)
                _say(confirmed=False, error=f"not confirmed within {confirm:g} s{left}")
                return False
        document.save(self.environ, self.text)
        return True

    def _tell(self, confirm: float, plan: Plan, good: bool) -> None:
        if not good:
            return
        if confirm:
            _say(confirmed=True)
        elif self.as_json:
            _say(applied=True, **self._done(plan))
        else:
            _lines(plan.changes, plan.warnings)
            if not plan.changes:
                print("nothing to do")

    def _done(self, plan: Plan) -> dict[str, Any]:
        state = self._state(switches.read_tables(self.session))
        return {"changes": plan.changes, "warnings": plan.warnings, "state": state}

    def _state(self, tables: Tables) -> dict[str, Any]:
        return states(tables, [switch.name for switch in self.wanted])


def _say(**what: Any) -> bool:
    """Print a line of JSON; False if nobody reads any more."""
    try:
        os.write(1, dumps(what).encode() + b"\n")
    except OSError:
        return False
    return True


def _lines(changes: list[str], warnings: list[str]) -> None:
    for line in changes:
        print(line)
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)
