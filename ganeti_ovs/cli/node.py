"""gnt-ovs node-apply: make this node's vSwitches what the document on standard input says."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

import click

from ganeti_ovs.cli.guard import Calls, Guard
from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cluster import document
from ganeti_ovs.hooks.switches import kept, objections, prepare, set_up
from ganeti_ovs.model.document import from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.client import TransactionFailed, default_socket
from ganeti_ovs.ovsdb.learning import announce, leave, moved, with_stations
from ganeti_ovs.ovsdb.session import Session, apply_limit
from ganeti_ovs.ovsdb.state import states

if TYPE_CHECKING:
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


@click.command("node-apply")
@click.option("--dry-run", is_flag=True, help="Say what would be changed, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@click.option("--force", is_flag=True, help="Do what is refused because it cuts somebody off.")
@click.option(
    "--confirm",
    metavar="SECONDS",
    type=click.FloatRange(0, 3600),
    default=0,
    help="Take the change back unless the line 'confirm' comes within so long (implies --json).",
)
@database_option
def node_apply(
    dry_run: bool,
    as_json: bool,
    force: bool,
    confirm: float,
    database: Optional[str],  # noqa: UP045
) -> None:
    """Make this node's vSwitches what the document (a line of JSON) on standard input says.

    The master runs it on every node. What is there is adopted and not rebuilt;
    guests keep their ports. If anything fails, or the change is not confirmed,
    everything is put back as it was. Exit code 1 then.
    """
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
                run = _Run(session, calls, wanted, text, environ, as_json, force)
                good = run.dry() if dry_run else run.apply(confirm)
        except Error as err:
            if not as_json:
                raise
            _say(applied=False, tried=run is not None and run.tried, error=str(err))
            good = False
    if not good:
        raise SystemExit(1)


def _read(calls: Calls) -> tuple[tuple[VSwitch, ...], str]:
    text = calls.line(_INPUT_LIMIT, _LONGEST)
    if not text:
        raise BadInput("no document of the vSwitches came on standard input")
    return from_document(text)[0], text


@dataclass
class _Run:
    session: Session
    calls: Calls
    wanted: tuple[VSwitch, ...]
    text: str
    environ: dict[str, str]
    as_json: bool
    force: bool
    tried: bool = False
    """True as soon as something may have been changed, if only for a moment."""

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
                plan.warnings[:0] = [f"forced: {line}" for line in (*plan.devices, *plan.refused)]
                plan.warnings += set_up(self.wanted)
                plan.warnings += announce(self.session, self._moved(change), change)
                try:
                    good = self._finish(confirm, plan, change)
                except Error as err:
                    raise Error(f"{err}{self._put_back(change)}") from None
                guard.dismiss()
                self._tell(confirm, plan, good)
                return good
        raise Error("the vSwitches' ports are being changed by others all the time; try again")

    def _moved(self, change: switches.Change) -> list[str]:
        return moved(change.before, switches.read_tables(self.session), self.wanted)

    def _put_back(self, change: switches.Change) -> str:
        """What became of it, in words that continue a line."""
        names: list[str] = []
        with suppress(Error):
            names = self._moved(change)
        words = switches.put_back(self.session, change)
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
                click.echo("nothing to do")

    def _done(self, plan: Plan) -> dict[str, Any]:
        state = self._state(switches.read_tables(self.session))
        return {"changes": plan.changes, "warnings": plan.warnings, "state": state}

    def _state(self, tables: Tables) -> dict[str, Any]:
        return states(tables, [switch.name for switch in self.wanted])


def _say(**what: Any) -> bool:
    """Print a line of JSON; False if nobody reads any more."""
    try:
        os.write(1, json.dumps(what).encode() + b"\n")
    except OSError:
        return False
    return True


def _lines(changes: list[str], warnings: list[str]) -> None:
    for line in changes:
        click.echo(line)
    for line in warnings:
        click.echo(f"warning: {line}", err=True)
