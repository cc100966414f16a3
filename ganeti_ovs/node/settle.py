"""A change that nobody has finished: its node-apply and its guard were killed, or the node was.

Whoever comes next takes it back, or finishes it, by what is on the disk. The lock of changes
must be held: as long as a node-apply or its guard lives, one of them has it.
"""

from __future__ import annotations

from syslog import LOG_DAEMON, LOG_WARNING, openlog, syslog

from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import pending
from ganeti_ovs.node.document import change_lock
from ganeti_ovs.node.takeback import take_back, trace
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.client import TransactionFailed, default_socket
from ganeti_ovs.ovsdb.session import Session, apply_limit
from ganeti_ovs.plan.undo import STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_WHAT = "a change of the vSwitches that was never confirmed"
_WHY = "the change was not confirmed: node-apply and its guard were ended, or the node"
_REFUSED = (
    "constraint violation", "referential integrity violation", "syntax error", "unknown column",
)  # fmt: skip
"""ovsdb-server's words for what these rows are wrong in, and not its disk or its state just now."""
_GLANCE = 1.0
"""Seconds in which who only looks has done so; who changes something keeps the lock for longer."""
_LOOKS = 3
"""How often it must refuse, each time after a fresh look: others change rows meanwhile."""


def data(change: switches.Change) -> dict[str, Any]:
    """The change as it is kept on the disk: without what ovs-vswitchd only reports."""
    dropped = STATUS - {"_uuid"}
    return {
        "operations": change.operations,
        "before": {
            table: {
                key: {name: value for name, value in row.items() if name not in dropped}
                for key, row in rows.items()
            }
            for table, rows in change.before.items()
        },
        "stations": {name: [[*one] for one in some] for name, some in change.stations.items()},
        "devices": [[one.name, one.index, one.up, one.mtu, one.new_mtu] for one in change.devices],
    }


def settle(
    session: Session, environ: Mapping[str, str], dry_run: bool = False
) -> tuple[list[str], list[str]]:
    """Take back or finish what is pending: (what was done, or would be, problems).

    Raises Error when Open vSwitch cannot be reached, or does not take it now; it is pending still.
    """
    try:
        found = pending.read(environ)
        if found is None:
            return [], []
        if found.saved:
            return [_finish(environ, found, dry_run)], []
        change = _change(found.change)
    except Error as err:
        rest = f"; what {_WHAT} did may be there still: gnt-ovs verify, gnt-ovs apply"
        return [], [str(err) if isinstance(err, pending.InTheWay) else f"{err}{rest}"]
    try:
        there = trace(session, change, found.same_boot)
    except Error as err:
        raise _pending_still(err) from err
    if there is False:
        if not dry_run:
            pending.forget(environ, found.former)
        return ["forgotten a change of the vSwitches that was begun; nothing of it was done"], []
    done = [f"taken back {_WHAT}" if there else f"forgotten {_WHAT}: nothing of it is there"]
    if dry_run:
        return done, []
    problem, undone = _put_back(session, change, found.same_boot)
    done, problems = done if undone else [], [problem] if problem else []
    pending.taken_back(environ, found.digest, _WHY)
    openlog("ganeti-ovs", 0, LOG_DAEMON)
    for line in (*done, *problems):
        syslog(LOG_WARNING, line)
    return done, problems


def settle_alone(environ: dict[str, str], database: str | None = None) -> list[str]:
    """`settle` for who does nothing else with vSwitches; a line for all that there is to say."""
    if not pending.exists(environ):
        return []
    path = database or default_socket(environ)
    try:
        with (
            change_lock(environ, _GLANCE),
            Session(path, switches.LOCK, apply_limit(environ)) as session,
        ):
            session.acquire()
            done, problems = settle(session, environ)
            return done + problems
    except Busy:
        return []  # Its node-apply, or its guard, is there.
    except Error as err:
        return [str(err)]


def _put_back(session: Session, change: switches.Change, same_boot: bool) -> tuple[str, bool]:
    """(What is wrong, whether it is back). Raises Error when it is pending still."""
    looks = 1
    while True:
        try:
            result = take_back(session, change, None, same_boot)
        except TransactionFailed as err:
            if err.error not in _REFUSED:
                raise _pending_still(err) from err
            if looks == _LOOKS:
                return f"{_WHAT} cannot be taken back: {err}; gnt-ovs verify, gnt-ovs apply", False
        except Error as err:
            raise _pending_still(err) from err
        else:
            return f"{_WHAT}{result.words}" if result.left else "", True
        looks += 1


def _pending_still(err: Error) -> Error:
    return Error(
        f"{_WHAT} cannot be taken back now: {err}; it is pending still, and gnt-ovs reconcile"
        " tries again"
    )


def _finish(environ: Mapping[str, str], found: pending.Pending, dry_run: bool) -> str:
    ours = pending.kept_digest(environ) == found.digest
    if not dry_run:
        pending.finish(environ)
    if ours:
        return "finished a change of the vSwitches that was confirmed"
    return "forgotten a change of the vSwitches that another one has replaced"


def _change(found: Mapping[str, Any]) -> switches.Change:
    try:
        return switches.Change(
            found["operations"],
            found["before"],
            {
                name: [(str(mac), int(vlan)) for mac, vlan in some]
                for name, some in found["stations"].items()
            },
            tuple(switches.Device(*one) for one in found["devices"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as err:
        raise Error(f"the change that is pending is broken: {err!r}"[:200]) from err
