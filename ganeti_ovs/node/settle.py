"""A change that nobody has finished: its node-apply and its guard were killed, or the node was.

Whoever comes next rolls it back, or finishes it, by what is on the disk. The lock of changes
must be held: as long as a node-apply or its guard lives, one of them has it.
"""

from __future__ import annotations

from syslog import LOG_DAEMON, LOG_WARNING, openlog, syslog

from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import pending
from ganeti_ovs.node.checkpoint import Checkpoint, from_data
from ganeti_ovs.node.document import change_lock, kept_digest
from ganeti_ovs.node.phases import Event, Phase, found, step
from ganeti_ovs.node.rollback import roll_back, trace
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import SWITCHES, Session

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


def settle(
    session: Session, runtime: Runtime, dry_run: bool = False
) -> tuple[list[str], list[str]]:
    """Roll back or finish what is pending: (what was done, or would be, problems).

    Raises Error when Open vSwitch cannot be reached, or does not take it now; it is pending still.
    """
    try:
        left = pending.read(runtime)
        if left is None:
            return [], []
        if left.entry.kept(runtime):
            return [_finish(runtime, left.entry, dry_run)], []
        checkpoint = from_data(left.checkpoint)
    except Error as err:
        rest = f"; what {_WHAT} did may be there still: gnt-ovs verify, gnt-ovs apply"
        return [], [str(err) if isinstance(err, pending.InTheWay) else f"{err}{rest}"]
    try:
        there = trace(session, checkpoint, left.same_boot)
    except Error as err:
        raise _pending_still(err) from err
    made = step(Phase.ORPHANED, found(kept=False, there=there))
    if made.phase is Phase.DROPPED:
        if not dry_run:
            pending.write_end(runtime, left.entry, made.then)
        return ["forgotten a change of the vSwitches that was begun; nothing of it was done"], []
    done = [f"taken back {_WHAT}" if there else f"forgotten {_WHAT}: nothing of it is there"]
    if dry_run:
        return done, []
    problem, undone = _roll_back(session, checkpoint, left.same_boot)
    done, problems = done if undone else [], [problem] if problem else []
    pending.write_end(runtime, left.entry, step(made.phase, Event.RESTORE).then, _WHY)
    openlog("ganeti-ovs", 0, LOG_DAEMON)
    for line in (*done, *problems):
        syslog(LOG_WARNING, line)
    return done, problems


def settle_alone(runtime: Runtime) -> list[str]:
    """`settle` for who does nothing else with vSwitches; a line for all that there is to say."""
    if not pending.exists(runtime):
        return []
    try:
        with (
            change_lock(runtime, _GLANCE),
            Session(runtime.socket, SWITCHES, runtime.limit) as session,
        ):
            session.acquire()
            done, problems = settle(session, runtime)
            return done + problems
    except Busy as err:
        if not err.shared:
            return []  # Its node-apply, or its guard, is there.
        return [f"whether {_WHAT} is pending is not known: {err}; gnt-ovs reconcile tries again"]
    except Error as err:
        return [str(err)]


def _roll_back(session: Session, checkpoint: Checkpoint, same_boot: bool) -> tuple[str, bool]:
    """(What is wrong, whether it is back). Raises Error when it is pending still."""
    looks = 1
    while True:
        try:
            result = roll_back(session, checkpoint, None, same_boot)
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


def _finish(runtime: Runtime, entry: pending.Entry, dry_run: bool) -> str:
    ours = kept_digest(runtime) == entry.digest
    if not dry_run:
        made = step(Phase.ORPHANED, found(kept=True, there=None))
        pending.write_end(runtime, entry, made.then)
    if ours:
        return "finished a change of the vSwitches that was confirmed"
    return "forgotten a change of the vSwitches that another one has replaced"
