"""JSON messages over a Unix socket, as Open vSwitch's daemons speak: in time, and not too many.

Whoever is at the other end may be busy, hang, go away or send anything; each of it ends
with a DatabaseUnavailable, or with the time that the caller has given.
"""

from __future__ import annotations

from _socket import AF_UNIX, SOCK_STREAM, socket
from time import monotonic, sleep

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.jsontext import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# NOTE: socket's own module turns all its constants into enums when imported, 2 ms for
# two of them; _socket is the class beneath it.

ANSWER_LIMIT = 4.0
"""Seconds within which ovsdb-server must answer a request, and take a connection."""
LONGEST = 16 << 20
"""Bytes that may have come and not be a whole message yet: some 8,000 ports, all columns."""
MOST_VALUES = 1 << 20
"""Values that they may hold, each of which takes up to 100 bytes of memory."""
_AGAIN = 0.01
"""Seconds after which a connection is tried again."""


class DatabaseUnavailable(Error):
    """ovsdb-server cannot be reached, went away, does not answer, or answers nonsense."""


class Stream:
    """A connection to the socket at `path`.

    Raises DatabaseUnavailable when nobody listens, or nobody takes the connection within
    ANSWER_LIMIT seconds.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._in = bytearray()
        self._seen = 0
        """Where in it the search for the end of a message goes on."""
        self.size = 0
        """Bytes of the messages that `receive` has returned last."""
        self._socket = socket(AF_UNIX, SOCK_STREAM)
        try:
            self._connect()
        except (OSError, ValueError) as err:
            self._socket.close()
            raise self.unavailable(getattr(err, "strerror", None) or str(err)) from err
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close this process's end."""
        self._socket.close()

    def send(self, data: bytes, deadline: float) -> bool:
        """Send all of `data`; False if it has not gone by `deadline` (monotonic seconds)."""
        try:
            self._socket.settimeout(max(deadline - monotonic(), _AGAIN))
            self._socket.sendall(data)
        except OSError as err:
            return self._late(err)
        return True

    def receive(self, deadline: float) -> list[Any]:
        """The messages that have come, at least one; none when `deadline` passes before."""
        try:
            while not (messages := self._decode()):
                left = deadline - monotonic()
                if left <= 0:
                    break
                self._socket.settimeout(left)
                chunk = self._socket.recv(1 << 20)
                if not chunk:
                    raise self.unavailable("ovsdb-server closed the connection")
                self._in += chunk
        except OSError as err:
            self._late(err)
            return []
        return messages

    def unavailable(self, why: str, question: str = "running") -> DatabaseUnavailable:
        """The error for one who is not there, or does not answer."""
        return DatabaseUnavailable(
            f"Open vSwitch's database does not answer at {self._path}: {why};"
            f" is ovsdb-server {question}?"
        )

    def nonsense(self, what: str) -> DatabaseUnavailable:
        """The error for what ovsdb-server never sends."""
        return DatabaseUnavailable(
            f"Open vSwitch's database answers nonsense at {self._path}: {what};"
            " is that ovsdb-server?"
        )

    def _connect(self) -> None:
        deadline = monotonic() + ANSWER_LIMIT
        self._socket.setblocking(False)
        while True:
            try:
                return self._socket.connect(self._path)
            except BlockingIOError as err:
                # NOTE: so it is as long as ovsdb-server's queue of 65 connections is full.
                if monotonic() >= deadline:
                    raise self.unavailable(
                        f"no connection within {ANSWER_LIMIT:g} s, others wait, too",
                        "busy, or does it hang",
                    ) from err
                sleep(_AGAIN)

    def _late(self, err: OSError) -> bool:
        if isinstance(err, TimeoutError):
            return False
        raise self.unavailable(err.strerror or str(err))

    def _decode(self) -> list[Any]:
        size = len(self._in)
        if size > LONGEST:
            raise self.nonsense(f"more than {LONGEST >> 20} MiB without an end")
        if size and not self._in.startswith(b"{"):
            raise self.nonsense("no JSON object")
        # A message ends with "}", and most chunks end with a message: so a long answer
        # is not parsed anew for each of its chunks. Of many messages those that are whole
        # are taken at once: else they would pile up until a chunk happens to end with one.
        end = size if self._in.endswith(b"}") else self._in.rfind(b"}{", self._seen) + 1
        self._seen = max(size - 1, 0)
        if not end:
            return []
        if size > MOST_VALUES and sum(map(self._in.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise self.nonsense(f"more than {MOST_VALUES} values")
        try:
            text = self._in[:end].decode()
            messages, rest = values(text)
        except UnicodeDecodeError as err:
            raise self.nonsense("no UTF-8") from err
        except RecursionError as err:
            raise self.nonsense("values that are nested too deeply") from err
        if messages:
            self._in = bytearray(text[rest:].encode()) + self._in[end:]
            self._seen = max(len(self._in) - 1, 0)
            self.size = size - len(self._in)
        return messages
