"""A small OVSDB client: JSON-RPC over the database's Unix socket (RFC 7047, section 4).

It keeps no copy of the database, so a transaction costs the same at any number
of ports. Nothing waits longer than it was told to.
"""

from __future__ import annotations

from _socket import AF_UNIX, SOCK_STREAM, socket
from time import monotonic

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.jsontext import dumps, values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.plan.wire import Operations

# NOTE: socket's own module turns all its constants into enums when imported, 2 ms for
# two of them; _socket is the class beneath it.

DATABASE = "Open_vSwitch"
ANSWER_LIMIT = 4.0
"""Seconds within which ovsdb-server must answer a request."""


class DatabaseUnavailable(Error):
    """ovsdb-server cannot be reached, went away, or does not answer."""


class TransactionFailed(Error):
    """ovsdb-server refused a transaction; nothing of it was done.

    `error` is the server's error string ("constraint violation", "timed out",
    "not owner", …) and `details` its explanation.
    """

    def __init__(self, error: str, details: str) -> None:
        super().__init__(f"Open vSwitch's database refused the change: {error}: {details}")
        self.error = error
        self.details = details


def default_socket(environ: dict[str, str]) -> str:
    """The path of the database's socket: in OVS_RUNDIR, as for OVS's own tools, or Debian's."""
    return (environ.get("OVS_RUNDIR") or "/var/run/openvswitch") + "/db.sock"


class Client:
    """One connection. A context manager; leaving it closes the connection.

    `path` is the socket's path. Raises DatabaseUnavailable when nobody listens.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket(AF_UNIX, SOCK_STREAM)
        self._socket.settimeout(ANSWER_LIMIT)
        self._in = b""
        self._out: list[bytes] = []
        self._last_id = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self.notifications: list[dict[str, Any]] = []
        """What the server said unasked ("update", "locked"), oldest first; take from here."""
        try:
            self._socket.connect(path)
        except (OSError, ValueError) as err:
            self._socket.close()
            raise self._unavailable(getattr(err, "strerror", None) or str(err)) from None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close this process's end of the connection."""
        self._socket.close()

    def post(self, method: str, *params: object) -> int:
        """Queue a request and return its id; it is sent with the next wait."""
        self._last_id += 1
        request = {"method": method, "params": list(params), "id": self._last_id}
        self._out.append(dumps(request).encode())
        return self._last_id

    def answer(self, request: int) -> Any:
        """Wait for the result of a posted request.

        Raises DatabaseUnavailable after ANSWER_LIMIT seconds, Error when the
        server answers with an error.
        """
        deadline = monotonic() + ANSWER_LIMIT
        while request not in self._answers:
            if not self.receive(deadline):
                raise self._unavailable(f"no answer within {ANSWER_LIMIT:g} s")
        answer = self._answers.pop(request)
        if answer.get("error") is not None:
            raise Error(f"Open vSwitch's database refused a request: {answer['error']}")
        return answer.get("result")

    def transact(self, operations: Operations) -> list[dict[str, Any]]:
        """Carry out `operations` as one transaction and return one result for each."""
        return check(self.answer(self.post("transact", DATABASE, *operations)))

    def receive(self, deadline: float) -> bool:
        """Send what is queued, then take in messages until at least one has come.

        False when `deadline` (monotonic seconds) passes before. Echo requests
        are answered here.
        """
        try:
            if self._out:
                data, self._out = b"".join(self._out), []
                self._socket.settimeout(ANSWER_LIMIT)
                self._socket.sendall(data)
            while not self._decode():
                left = deadline - monotonic()
                if left <= 0:
                    return False
                self._socket.settimeout(left)
                chunk = self._socket.recv(1 << 20)
                if not chunk:
                    raise self._unavailable("ovsdb-server closed the connection")
                self._in += chunk
        except TimeoutError:
            return False
        except OSError as err:
            # NOTE: before Python 3.10 socket.timeout is no TimeoutError.
            if str(err) == "timed out":
                return False
            raise self._unavailable(err.strerror or str(err)) from None
        return True

    def _decode(self) -> bool:
        # A message ends with "}", and most chunks end with a message: so a long answer
        # is not parsed anew for each of its chunks.
        if not self._in.endswith(b"}"):
            return False
        try:
            text = self._in.decode()
        except UnicodeDecodeError:
            return False
        messages, rest = values(text)
        self._in = text[rest:].encode()
        for message in messages:
            self._take(message)
        return bool(messages)

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "echo":
            answer = {"id": message["id"], "result": message["params"], "error": None}
            self._out.append(dumps(answer).encode())
        elif "method" in message:
            self.notifications.append(message)
        else:
            self._answers[message["id"]] = message

    def _unavailable(self, why: str) -> DatabaseUnavailable:
        return DatabaseUnavailable(
            f"Open vSwitch's database does not answer at {self.path}: {why};"
            " is ovsdb-server running?"
        )


def check(results: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """`results` of a transaction if all of them are good, else raise TransactionFailed.

    NOTE: a commit that fails comes as one element more than there were
    operations; operations after a failed one have null (RFC 7047, 4.1.3).
    """
    good: list[dict[str, Any]] = []
    for result in results:
        if result is None or "error" in result:
            failed = result or {}
            raise TransactionFailed(failed.get("error", "not done"), failed.get("details", ""))
        good.append(result)
    return good
