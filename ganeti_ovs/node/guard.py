"""Changes that are rolled back unless they are confirmed, whatever happens to us meanwhile."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from syslog import LOG_DAEMON, LOG_ERR, LOG_WARNING, openlog, syslog
from typing import NoReturn

from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import pending
from ganeti_ovs.node.calls import SIGNALS
from ganeti_ovs.node.checkpoint import Checkpoint
from ganeti_ovs.node.phases import Event, Phase, found, step
from ganeti_ovs.node.rollback import roll_back, trace
from ganeti_ovs.ovsdb.session import SWITCHES, Session

_TRIES = 60
"""How often, a second apart, the guard tries to reach Open vSwitch."""
_END = 60.0
"""Seconds that a killed node-apply may take to end: a disk that hangs keeps it in the kernel."""
_WHY = "the change was not confirmed: node-apply was ended"


@dataclass(frozen=True)
class Guarded:
    """A change that has been begun."""

    runtime: Runtime
    entry: pending.Entry
    checkpoint: Checkpoint
    limit: float
    """Seconds after which a node-apply that has not said a word counts as hanging."""


class Guard:
    """A process that rolls a change back when this one ends, or hangs, without `dismiss`.

    A context manager; see `start`.
    """

    def __init__(self, child: int, writing: int) -> None:
        self.child = child
        self._writing = writing

    @classmethod
    def start(cls, session: Session, change: Guarded) -> Guard:
        """Fork it, before the change is made. Raises Error when the node has no room for it.

        It has a session (setsid) and signals of its own, and keeps the lock of the document for
        as long as it lives.
        """
        parent = os.getpid()
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError as err:
            os.close(reading)
            os.close(writing)
            raise Error(f"no process can be started to guard the change: {err.strerror}") from err
        if child == 0:
            os.close(writing)
            _live(session, change, reading, parent)
        os.close(reading)
        return cls(child, writing)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._writing >= 0:
            os.close(self._writing)

    def dismiss(self) -> None:
        """The change is settled; see `ganeti_ovs.node.phases`."""
        with suppress(OSError):  # It has ended by itself.
            os.write(self._writing, b"k")
        os.close(self._writing)
        self._writing = -1
        os.waitpid(self.child, 0)


class _Parent(Enum):
    """What became of node-apply."""

    DONE = auto()
    """It has settled its change."""
    ENDED = auto()
    """It has not, and never will."""
    HANGS = auto()
    """It cannot be ended, and what it still does to the disk is not known."""


def _live(session: Session, change: Guarded, reading: int, parent: int) -> NoReturn:
    """All that the guard's process does; does not return."""
    code = 1
    try:
        # NOTE: an open copy of the connection would keep the database's lock for ever.
        session.close()
        _detach()
        became = _watch(reading, parent, change.limit)
        if became is _Parent.ENDED:
            _settle(change)
        elif became is _Parent.HANGS:
            _log(
                LOG_ERR,
                f"node-apply ({parent}) hangs and cannot be killed; its change is not"
                " confirmed: gnt-ovs reconcile settles it when it has ended",
            )
        code = 0
    finally:
        os._exit(code)


def _detach() -> None:
    os.setsid()
    for number in (*SIGNALS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    # Who waits for the end of our output (sshd) must not wait for the guard.
    null = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(null, handle)


def _watch(reading: int, parent: int, limit: float) -> _Parent:
    """Wait for the parent's word or end; end it when it has hung for `limit` seconds."""
    if select.select([reading], [], [], limit)[0]:
        return _Parent.DONE if os.read(reading, 1) else _Parent.ENDED
    return _Parent.ENDED if _killed(parent) else _Parent.HANGS


def _killed(parent: int) -> bool:
    """End `parent`; False if it does not.

    NOTE: what a system call is about to do is done, although the process has been killed. Only
    when it has ended, what it has kept is sure.
    """
    deadline = time.monotonic() + _END
    if os.getppid() == parent:
        os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _settle(change: Guarded) -> None:
    """Settle what node-apply has left, as soon as Open vSwitch lets us."""
    for _try in range(_TRIES):
        try:
            _settle_now(change)
            return
        except Exception as err:  # whatever it is: nobody else rolls the change back now
            _log(LOG_WARNING, f"node-apply has ended: its change is not yet taken back: {err!r}")
            time.sleep(1)
    _log(LOG_ERR, f"a change could not be taken back in {_TRIES} s: gnt-ovs reconcile does it")


def _settle_now(change: Guarded) -> None:
    """By what is on the disk, and there. Raises Error when it cannot be rolled back now."""
    phase = step(Phase.BEGUN, Event.END).phase
    if change.entry.kept(change.runtime):
        event, words = found(kept=True, there=None), ""
    elif change.checkpoint.operations:
        with Session(change.runtime.socket, SWITCHES, change.runtime.limit) as session:
            session.acquire()
            event, words = _rolled_back(session, change.checkpoint)
    else:
        event, words = _rolled_back(None, change.checkpoint)
    made = step(phase, event)
    if made.phase is Phase.ROLLING_BACK:
        _log(LOG_WARNING, f"node-apply has ended without confirmation{words}")
        made = step(made.phase, Event.RESTORE)
    try:
        pending.write_end(change.runtime, change.entry, made.then, _WHY)
    except Error:
        if made.phase is not Phase.CONFIRMED:
            raise
        # The document is kept, so nobody rolls back: the rest is done by who comes next.


def _rolled_back(session: Session | None, checkpoint: Checkpoint) -> tuple[Event, str]:
    """(What had become of the change, what has become of it now).

    Raises Error when it cannot be rolled back now.
    """
    event = found(kept=False, there=trace(session, checkpoint))
    return event, roll_back(session, checkpoint).words if event is Event.FAIL else ""


def _log(priority: int, line: str) -> None:
    openlog("ganeti-ovs", 0, LOG_DAEMON)
    syslog(priority, line)
