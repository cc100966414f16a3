"""Changes that are taken back unless they are confirmed, whatever happens to us meanwhile."""

from __future__ import annotations

import os
import select
import time
from syslog import LOG_DAEMON, LOG_ERR, LOG_WARNING, openlog, syslog

from ganeti_ovs.model.document import digest
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.calls import SIGNALS
from ganeti_ovs.node.takeback import Result, take_back, trace
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # see ganeti_ovs.node.calls

_TRIES = 60
"""How often, a second apart, the guard tries to reach Open vSwitch."""
_END = 60.0
"""Seconds that a killed node-apply may take to end: a disk that hangs keeps it in the kernel."""
_WHY = "the change was not confirmed: node-apply was ended"


class Guard:
    """A process that takes a change back when this one ends, or goes on, without `dismiss`.

    A context manager, started before the change is made. It has a session (setsid) and signals of
    its own, and keeps the lock of the document for as long as it lives.
    """

    def __init__(
        self,
        session: Session,
        change: switches.Change,
        environ: dict[str, str],
        limit: float,
        text: str,
        *,
        former: pending.Tried = None,
    ) -> None:
        """The document `text` is what the change is to. After `limit` seconds, this process
        counts as hanging and is ended. `former` is what `pending.begin` has returned.
        """
        self._writing = -1
        stamp, made = document.stamp(environ), digest(text)
        reading, self._writing = os.pipe()
        parent = os.getpid()
        self._child = os.fork()
        if self._child:
            os.close(reading)
            return
        code = 1
        try:
            os.close(self._writing)
            # NOTE: an open copy of the connection would keep the database's lock for ever.
            session.close()
            _detach()
            word = _word(reading, limit)
            if word is None and not _ended(parent):
                openlog("ganeti-ovs", 0, LOG_DAEMON)
                syslog(
                    LOG_ERR,
                    f"node-apply ({parent}) hangs and cannot be killed; its change is not"
                    " confirmed: gnt-ovs reconcile settles it when it has ended",
                )
            elif not word:
                if document.stamp(environ) == stamp:
                    _take_back(session, change, environ, made, former)
                else:  # It had been confirmed.
                    pending.finish(environ)
            code = 0
        finally:
            os._exit(code)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._writing >= 0:
            os.close(self._writing)

    def dismiss(self) -> None:
        """The change is confirmed, or taken back already."""
        try:  # noqa: SIM105
            os.write(self._writing, b"k")
        except OSError:
            pass  # It has ended by itself.
        os.close(self._writing)
        self._writing = -1
        os.waitpid(self._child, 0)


def _detach() -> None:
    os.setsid()
    for number in (*SIGNALS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    # Who waits for the end of our output (sshd) must not wait for the guard.
    null = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(null, handle)


def _word(reading: int, limit: float) -> bytes | None:
    """The parent's word; empty if it has ended without one, None if it hangs."""
    if select.select([reading], [], [], limit)[0]:
        return os.read(reading, 1)
    return None


def _ended(parent: int) -> bool:
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


def _take_back(
    closed: Session,
    change: switches.Change,
    environ: dict[str, str],
    made: str,
    former: pending.Tried,
) -> None:
    openlog("ganeti-ovs", 0, LOG_DAEMON)
    for _try in range(_TRIES):
        try:
            if change.operations:
                with Session(closed.path, switches.LOCK, closed.limit) as session:
                    session.acquire()
                    result = _undone(session, change)
            else:
                result = _undone(None, change)
            if result is None:
                pending.forget(environ, former)
                return
            syslog(LOG_WARNING, f"node-apply has ended without confirmation{result.words}")
            pending.taken_back(environ, made, _WHY)
            return
        except Exception as err:  # whatever it is: nobody else takes the change back now
            syslog(LOG_WARNING, f"node-apply has ended: its change is not yet taken back: {err!r}")
            time.sleep(1)
    syslog(LOG_ERR, f"a change could not be taken back in {_TRIES} s: gnt-ovs reconcile does it")


def _undone(session: Session | None, change: switches.Change) -> Result | None:
    """What became of it; None if it had not been made."""
    return None if trace(session, change) is False else take_back(session, change)
