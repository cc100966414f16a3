"""gnt-ovs node-apply: make this node's vSwitches what the document on standard input says."""

from __future__ import annotations

import os

from ganeti_ovs.linux.ending import trace
from ganeti_ovs.model.document import from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.node import document
from ganeti_ovs.node.agent import Run, say
from ganeti_ovs.node.calls import LONGEST, Calls
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.client import default_socket
from ganeti_ovs.ovsdb.session import Session, apply_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.vswitch import VSwitch

_INPUT_LIMIT = 30.0
"""Seconds in which the document must come."""


def carry_out(
    dry_run: bool = False,
    as_json: bool = False,
    force: bool = False,
    confirm: float = 0,
    database: str | None = None,
    *,
    have: bool = False,
) -> bool:
    """What the options of node-apply ask for; False if it was not done. Raises Error."""
    environ = dict(os.environ)
    if have:
        return _have(environ)
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
                run = Run(session, calls, wanted, text, environ, as_json=as_json, force=force)
                run.settle(dry_run)
                good = run.dry() if dry_run else run.apply(confirm)
        except Error as err:
            if not as_json:
                raise
            trace()
            say(applied=False, tried=run is not None and run.tried, error=str(err))
            good = False
    return good


def _have(environ: dict[str, str]) -> bool:
    from ganeti_ovs.node.have import have

    found = have(environ)
    say(**found)
    return "error" not in found


def _read(calls: Calls) -> tuple[tuple[VSwitch, ...], str]:
    text = calls.line(_INPUT_LIMIT, LONGEST)
    if not text:
        raise BadInput("no document of the vSwitches came on standard input")
    return from_document(text)[0], text
