"""A connection to ovs-vswitchd's control socket, by Open vSwitch's own library.

It comes with python3-openvswitch; `ganeti_ovs.ovsdb.control` imports it when it is needed.
"""

from __future__ import annotations

import errno
from os import strerror
from time import monotonic, sleep
from typing import Any

from ovs.jsonrpc import Connection
from ovs.poller import Poller
from ovs.stream import Stream
from ovs.unixctl.client import UnixctlClient

from ganeti_ovs.model.errors import Error, quoted

_LIMIT = 4.0
"""Seconds within which ovs-vswitchd must take a connection, and answer a command."""
_AGAIN = 0.02
"""Seconds between two tries to be let in."""
_WORDS = 300
"""Characters of a refusal that are shown."""


class Control:
    """One connection to the socket `path`. A context manager. Raises Error when nobody listens.

    `limit`: seconds within which it must be taken, and each command be answered.
    """

    def __init__(self, path: str, limit: float = _LIMIT) -> None:
        self._path = path
        deadline = monotonic() + limit
        # NOTE: EAGAIN, as long as the queue of connections is full: it is busy.
        while (opened := _opened(path, limit))[0] == errno.EAGAIN and monotonic() < deadline:
            sleep(_AGAIN)
        failed, stream = opened
        if failed:
            raise self._silent(failed)
        self._client = UnixctlClient(_InTime(stream, limit))

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


def _opened(path: str, limit: float) -> tuple[int, Any]:
    """(0 or the number of an error, the stream)."""
    found: tuple[int, Any] = Stream.open_block(
        Stream.open(f"unix:{path}"), timeout=int(limit * 1000)
    )
    return found


class _InTime(Connection):  # type: ignore[misc]
    """A connection on which no answer is waited for longer than `limit` seconds.

    NOTE: the library's UnixctlClient waits by transact_block, and that by recv_block, without
    an end.
    """

    def __init__(self, stream: Any, limit: float) -> None:
        super().__init__(stream)
        self._limit = limit

    def transact_block(self, request: Any) -> tuple[int, Any]:
        self._deadline = monotonic() + self._limit
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
