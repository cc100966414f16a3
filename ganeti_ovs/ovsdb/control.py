"""The control socket of the running ovs-vswitchd, as ovs-appctl(8) uses it.

By Open vSwitch's own library (python3-openvswitch), and so for everything but the way of one tap.
"""

from __future__ import annotations

import errno
from os import listdir, strerror
from os.path import dirname
from time import monotonic
from typing import TYPE_CHECKING, Any

from ovs.jsonrpc import Connection
from ovs.poller import Poller
from ovs.stream import Stream
from ovs.unixctl.client import UnixctlClient

from ganeti_ovs.model.errors import Error, quoted

if TYPE_CHECKING:
    from ganeti_ovs.ovsdb.session import Session

_LIMIT = 4.0
"""Seconds within which ovs-vswitchd must take a connection, and answer a command."""
_WORDS = 300
"""Characters of a refusal that are shown."""


class Control:
    """One connection to the socket `path`. A context manager. Raises Error when nobody listens."""

    def __init__(self, path: str) -> None:
        self._path = path
        failed, stream = Stream.open_block(Stream.open(f"unix:{path}"), timeout=int(_LIMIT * 1000))
        if failed:
            raise self._silent(failed)
        self._client = UnixctlClient(_InTime(stream))

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._client.close()

    def ask(self, command: str, *arguments: str) -> str:
        """What ovs-vswitchd answers. Raises Error when it refuses, or does not answer in time."""
        failed, refusal, answer = self._client.transact(command, list(arguments))
        if failed:
            raise self._silent(failed)
        if refusal is not None:
            raise Error(f"ovs-vswitchd refuses {command}: {quoted(refusal.strip(), _WORDS)[1:-1]}")
        return str(answer)

    def _silent(self, code: int) -> Error:
        # NOTE: an end of the connection has the code -1 in the library (ovs.util.EOF).
        why = strerror(code) if code > 0 else "it has closed the connection"
        return Error(f"ovs-vswitchd does not answer at {self._path}: {why}")


class _InTime(Connection):  # type: ignore[misc]
    """A connection on which no answer is waited for longer than _LIMIT.

    NOTE: the library's UnixctlClient waits by transact_block, and that by recv_block, without
    an end.
    """

    def transact_block(self, request: Any) -> tuple[int, Any]:
        self._deadline = monotonic() + _LIMIT
        answer: tuple[int, Any] = super().transact_block(request)
        return answer

    def recv_block(self) -> tuple[int, Any]:
        while True:
            failed, message = self.recv()
            left = self._deadline - monotonic()
            if failed != errno.EAGAIN:
                return failed, message
            if left <= 0:
                return errno.ETIMEDOUT, None
            self.run()
            poller = Poller()
            self.wait(poller)
            self.recv_wait(poller)
            poller.timer_wait(int(left * 1000) + 1)
            poller.block()


def control_socket(session: Session) -> Control:
    """The running ovs-vswitchd's control socket. Raises Error."""
    problem: Error | None = None
    directory = dirname(session.path)
    for name in sorted(listdir(directory)):
        if name.startswith("ovs-vswitchd.") and name.endswith(".ctl"):
            try:
                return Control(f"{directory}/{name}")
            except Error as err:  # one that was killed leaves its socket
                problem = err
    raise problem or Error(f"no control socket of ovs-vswitchd in {directory}")


def ask(control: Control, command: str, *arguments: str) -> str:
    """What ovs-vswitchd answers. Raises Error."""
    return control.ask(command, *arguments)
