"""gnt-ovs node-apply: make this node's vSwitches what the document on standard input says."""

from __future__ import annotations

import json
import os
import sys

from ganeti_ovs import __version__
from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.model.document import from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node import document
from ganeti_ovs.node.agent import Agent, Answer, Request
from ganeti_ovs.node.calls import LONGEST, Calls
from ganeti_ovs.node.have import have as what_is_kept
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from ganeti_ovs.plan.changes import FORMAT

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
    if have:
        return _have(database)
    as_json = as_json or confirm > 0
    agent = None
    with Calls() as calls:
        try:
            here = runtime(os.environ, database)
            wanted, text = _read(calls)
            request = Request(wanted, text, force, caller(os.environ))
            lock = document.change_lock(here, here.limit, shared=dry_run)
            with lock, Session(here.socket, SWITCHES, here.limit) as session:
                session.acquire()
                agent = Agent(session, calls, here, request, _say if as_json else _show)
                agent.settle(dry_run)
                if not dry_run:
                    return agent.apply(confirm)
                against = agent.dry()
        except Error as err:
            if not as_json:
                raise
            trace()
            _say({"applied": False, "tried": agent is not None and agent.tried, "error": str(err)})
            return False
    if against and not as_json:
        raise Error(against)
    return not against


def _have(database: str | None) -> bool:
    try:
        found = what_is_kept(runtime(os.environ, database))
    except Error as err:
        found = {"error": str(err)}
    _say(found)
    return "error" not in found


def _read(calls: Calls) -> tuple[tuple[VSwitch, ...], str]:
    text = calls.line(_INPUT_LIMIT, LONGEST)
    if not text:
        raise BadInput("no document of the vSwitches came on standard input")
    return from_document(text)[0], text


def _say(answer: Answer) -> bool:
    """A line of JSON with its format and our version; False if nobody reads any more."""
    head = {"format": FORMAT, "version": __version__}
    line = json.dumps({**head, **answer}, separators=(",", ":"))
    try:
        os.write(1, line.encode() + b"\n")
    except OSError:
        return False
    return True


def _show(answer: Answer) -> bool:
    """For people. What was not done is said by who raises it."""
    for line in answer["changes"]:
        print(line)
    for line in answer["warnings"]:
        print(f"warning: {line}", file=sys.stderr)
    if answer["applied"] and not answer["changes"]:
        print("nothing to do")
    return True
