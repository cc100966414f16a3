"""A small OVSDB client: JSON-RPC over the database's Unix socket (RFC 7047, section 4).

It keeps no copy of the database, so a transaction costs the same at any number
of ports. Nothing waits longer than it was told to, and nothing that is answered is
believed to be well formed.
"""

from __future__ import annotations

from time import monotonic

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.jsontext import dumps
from ganeti_ovs.model.operations import Select
from ganeti_ovs.model.rows import Tables
from ganeti_ovs.ovsdb.decode import Strange, check_references, decoded
from ganeti_ovs.ovsdb.encode import encoded_operation
from ganeti_ovs.ovsdb.stream import ANSWER_LIMIT, DatabaseUnavailable, Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ganeti_ovs.model.operations import Operation
    from ganeti_ovs.ovsdb.decode import Reply

__all__ = ["ANSWER_LIMIT", "DATABASE", "Client", "DatabaseUnavailable", "TransactionFailed"]

DATABASE = "Open_vSwitch"
_UNASKED = 1 << 20
"""Bytes of unread notifications; a few are many, as only one column is monitored."""
_WORDS = 300
"""Characters of an error of the server's that are shown."""
_NOTE = 1 << 16
"""Characters of a transaction, and of its answer, that a traceback shows."""


class TransactionFailed(Error):
    """ovsdb-server refused a transaction; nothing of it was done.

    `error` is the server's error string ("constraint violation", "timed out",
    "not owner", …) and `details` its explanation.
    """

    def __init__(self, error: str, details: str) -> None:
        super().__init__(f"Open vSwitch's database refused the change: {_words(error, details)}")
        self.error = error
        self.details = details


class Client:
    """One connection. A context manager; leaving it closes the connection.

    `path` is the socket's path. Raises DatabaseUnavailable when nobody listens, or
    nobody takes the connection within ANSWER_LIMIT seconds.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._stream = Stream(path)
        self._unread = 0
        """Bytes of what stands in `notifications`."""
        self._out: list[bytes] = []
        self._last_id = 0
        self._answers: dict[int, dict[str, Any] | None] = {}
        """By the requests' ids, None as long as there is none."""
        self.notifications: list[dict[str, Any]] = []
        """What the server said unasked ("update", "locked"), oldest first; take from here."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close this process's end of the connection."""
        self._stream.close()

    def post(self, method: str, *params: object) -> int:
        """Queue a request and return its id; it is sent with the next wait."""
        self._last_id += 1
        request = {"method": method, "params": list(params), "id": self._last_id}
        self._out.append(dumps(request).encode())
        self._answers[self._last_id] = None
        return self._last_id

    def answer(self, request: int) -> Any:
        """Wait for the result of a posted request.

        Raises DatabaseUnavailable after ANSWER_LIMIT seconds, Error when the
        server answers with an error.
        """
        if not self.until(lambda: self._answers[request] is not None, monotonic() + ANSWER_LIMIT):
            raise self._stream.unavailable(
                f"no answer within {ANSWER_LIMIT:g} s", "busy, or does it hang"
            )
        answer = self._answers.pop(request) or {}
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        words = error if isinstance(error, dict) else {"error": error}
        raise Error(
            "Open vSwitch's database refused a request: "
            + self._words(words.get("error"), words.get("details"))
        )

    def send(self, operations: Sequence[Operation]) -> int:
        """Queue `operations` as one transaction; `answer` has what `checked` takes."""
        return self.post("transact", DATABASE, *map(encoded_operation, operations))

    def transact(self, operations: Sequence[Operation]) -> list[Reply]:
        """Carry out `operations` as one transaction and return one result for each."""
        return self.checked(self.answer(self.send(operations)), operations)

    def checked(self, results: Any, operations: Sequence[Operation]) -> list[Reply]:
        """The results of a transaction of `operations` if all are good, else TransactionFailed.

        NOTE: a commit that fails comes as one element more than there were operations;
        operations after a failed one have null (RFC 7047, 4.1.3).
        """
        if not isinstance(results, list):
            raise self.nonsense("no results of a transaction")
        for result in results:
            if isinstance(result, dict) and "error" in result:
                error, details = result["error"], result.get("details") or ""
                self._words(error, details)
                failed = TransactionFailed(error, details)
                sent = [*map(encoded_operation, operations)]
                for what, value in ("transaction", sent), ("answer", results):
                    failed.add_note(f"{what}: {_json(value)}")
                raise failed
        if len(results) != len(operations):
            raise self.nonsense(f"{len(results)} results of {len(operations)} operations")
        try:
            return [*map(decoded, operations, results)]
        except Strange as err:
            raise self.nonsense(str(err)) from err

    def read(self, wanted: Mapping[str, Sequence[str]]) -> Tables:
        """All rows of tables, in one transaction.

        `wanted` says which columns of each; () for all. No row refers to one that is
        missing, as far as both tables are read.
        """
        results = self.transact(
            [
                Select(table, None, ("_uuid", *columns) if columns else ())
                for table, columns in wanted.items()
            ]
        )
        tables = Tables(
            (table, {row.uuid: row for row in result.rows})
            for table, result in zip(wanted, results, strict=True)
        )
        try:
            check_references(tables)
        except Strange as err:
            raise self.nonsense(str(err)) from err
        return tables

    def until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Take in messages until `condition`; False if it is not so by `deadline` (monotonic).

        However many other messages come.
        """
        while not condition():
            if monotonic() >= deadline or not self.receive(deadline):
                return False
        return True

    def receive(self, deadline: float) -> bool:
        """Send what is queued, then take in messages until at least one has come.

        False when `deadline` (monotonic seconds) passes before. Echo requests
        are answered here.
        """
        if self._out:
            data, self._out = b"".join(self._out), []
            if not self._stream.send(data, deadline):
                return False
        messages = self._stream.receive(deadline)
        for message in messages:
            self._take(message)
        if messages:
            self._unread = self._unread + self._stream.size if self.notifications else 0
        if self._unread > _UNASKED:
            raise self.nonsense(f"more than {_UNASKED >> 20} MiB that nobody asked for")
        return bool(messages)

    def nonsense(self, what: str) -> DatabaseUnavailable:
        """The error for an answer that ovsdb-server never gives."""
        return self._stream.nonsense(what)

    def _words(self, error: Any, details: Any) -> str:
        if not (isinstance(error, str) and isinstance(details or "", str)):
            raise self.nonsense("an error of another form")
        return _words(error, details)

    def _take(self, message: Any) -> None:
        if not isinstance(message, dict):
            raise self.nonsense("a message that is no object")
        if "method" in message:
            if not isinstance(message.get("params"), list):
                raise self.nonsense("a message without params")
            if message["method"] != "echo":
                self.notifications.append(message)
                return
            answer = {"id": message.get("id"), "result": message["params"], "error": None}
            try:
                self._out.append(dumps(answer).encode())
            except (ValueError, RecursionError) as err:
                raise self.nonsense("an echo that is no JSON") from err
            return
        request = message.get("id")
        if type(request) is not int or self._answers.get(request, message) is not None:
            raise self.nonsense("an answer to nothing that was asked")
        self._answers[request] = message


def _words(error: str, details: str) -> str:
    """As they may stand in an error of ours: one line, ASCII, not too long."""
    shown = ": ".join(ascii(word)[1:-1] for word in (error, details) if word)
    return shown if len(shown) <= _WORDS else shown[: _WORDS - 3] + "..."


def _json(value: Any) -> str:
    try:
        return dumps(value)[:_NOTE]
    except (ValueError, RecursionError):
        return "no JSON"  # A number of the server's that Python takes for infinite.
