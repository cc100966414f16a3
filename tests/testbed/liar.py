"""An ovsdb-server that speaks well for a while and then lies, as a real one cannot be made to.

Rows are those of a real one, read before. Run as a program, it is a process of its own, so that
its floods cost the tests' own process nothing:  python -m tests.testbed.liar TABLES SOCKET...
A socket's path is DIRECTORY/<lie>.<good messages before it>/db.sock.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import Any

Message = dict[str, Any]
_PATIENCE = 20.0
"""Seconds after which a lie that never ends does."""
_MIB = 1 << 20


class Database:
    """Answers from tables (table -> rows) without ever changing them."""

    def __init__(self, tables: dict[str, list[Message]]) -> None:
        self.tables = tables
        self.cfg = 1 << 40

    def answer(self, request: Message) -> list[Message]:
        """The answer, and what a server says then unasked."""
        operations = request["params"][1:] if request["method"] == "transact" else []
        changes = any(one["op"] == "mutate" for one in operations)
        self.cfg += changes  # A status waits for a moment in which nobody changes anything.
        row = {"new": {"cur_cfg": self.cfg}}
        update = {"Open_vSwitch": {"00000000-0000-0000-0000-000000000000": row}}
        result: Any = {}
        more: list[Message] = []
        if request["method"] == "lock":
            result = {"locked": True}
        elif request["method"] == "monitor":
            result = update
        elif request["method"] == "transact":
            result = [self._result(one) for one in operations]
            if changes:
                more = [{"method": "update", "params": [None, update], "id": None}]
        return [{"id": request["id"], "result": result, "error": None}, *more]

    def _result(self, operation: Message) -> Message:
        if operation["op"] == "insert":
            rows = self.tables.get(operation["table"]) or [{"_uuid": ["uuid", "new"]}]
            return {"uuid": rows[-1]["_uuid"]}
        if operation["op"] != "select":
            return {"count": 1}
        at_rest = {"next_cfg": self.cfg, "cur_cfg": self.cfg}
        rows = [{**row, **at_rest} for row in self.tables.get(operation["table"], [])]
        rows = [row for row in rows if all(_holds(row, one) for one in operation["where"])]
        columns = operation.get("columns")
        return {"rows": [{c: row[c] for c in columns} if columns else row for row in rows]}


def _holds(row: Message, condition: list[Any]) -> bool:
    column, function, value = condition
    if function == "==":
        return bool(row[column] == value)
    held = row[column]
    if value[0] == "map":
        return all(pair in held[1] for pair in value[1])
    return value == held or value in held[1]


def _dumped(messages: Iterable[Message]) -> bytes:
    return "".join(map(json.dumps, messages)).encode()


def _with_rows(change: Callable[[Any], Any]) -> Callable[[Message], bytes]:
    """`change` applied to each row of each selection; rows are made up where there are none."""

    def lie(answer: Message) -> bytes:
        for result in answer["result"] if isinstance(answer["result"], list) else ():
            if "rows" in result:
                result["rows"] = [change(row) for row in result["rows"] or [{}]]
        return _dumped([answer])

    return lie


def _results(change: Callable[[list[Any]], Any]) -> Callable[[Message], bytes]:
    def lie(answer: Message) -> bytes:
        found = answer["result"] if isinstance(answer["result"], list) else [answer["result"]]
        return _dumped([{**answer, "result": change(found)}])

    return lie


def _values(value: Any) -> Callable[[Message], bytes]:
    return _with_rows(lambda row: {c: v if c == "_uuid" else value for c, v in row.items()})


def _drip(answer: Message) -> Iterator[bytes]:
    for byte in _dumped([answer]):
        yield bytes([byte])
        time.sleep(0.05)


def _half(answer: Message) -> bytes:
    data = _dumped([answer])
    return data[: len(data) // 2]


def _flood(message: bytes) -> Callable[[Message], Iterator[bytes]]:
    return lambda _answer: repeat(message * (_MIB // len(message)))


def _nothing(_answer: Message) -> Iterator[bytes]:
    while True:
        time.sleep(0.1)
        yield b""


def _plain(data: bytes) -> Callable[[Message], bytes]:
    return lambda _answer: data


def _error(error: Any) -> Callable[[Message], bytes]:
    return lambda answer: _dumped([{"id": answer["id"], "result": None, "error": error}])


LIES: dict[str, Callable[[Message], bytes | Iterable[bytes]]] = {
    "null": _plain(b"null"),
    "list": _plain(b"[1, 2]"),
    "number": _plain(b"17"),
    "text": _plain(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "no-utf8": _plain(b'{"id": 1, "result": "\xff\xfe"}'),
    "empty-object": _plain(b"{}"),
    "no-id": lambda answer: _dumped([{"result": answer["result"], "error": None}]),
    "id-list": lambda answer: _dumped([{**answer, "id": [1]}]),
    "unknown-id": lambda answer: _dumped([{**answer, "id": 999}]),
    "twice": lambda answer: _dumped([answer, answer, answer]),
    "result-null": lambda answer: _dumped([{**answer, "result": None}]),
    "result-number": lambda answer: _dumped([{**answer, "result": 1e999}]),
    "result-object": lambda answer: _dumped([{**answer, "result": {"rows": []}}]),
    "results-none": _results(lambda found: []),
    "results-null": _results(lambda found: [None for _one in found]),
    "results-more": _results(lambda found: [*found, {}]),
    "results-numbers": _results(lambda found: [1 for _one in found]),
    "no-rows": _results(lambda found: [{} for _one in found]),
    "rows-null": _results(lambda found: [{"rows": None} for _one in found]),
    "row-number": _with_rows(lambda row: 7),
    "row-empty": _with_rows(lambda row: {}),
    "values-null": _values(None),
    "values-number": _values(7),
    "values-text": _values("x"),
    "values-empty-set": _values(["set", []]),
    "values-half-map": _values(["map", [["a"]]]),
    "values-nan": _values(float("nan")),
    "values-huge": _values(10**4000),
    "references-dangle": _with_rows(lambda row: {**row, "_uuid": ["uuid", "nowhere"]}),
    "error-text": _error("no"),
    "error-number": _error(5),
    "error-odd": _error({"error": ["x"], "details": {}}),
    "error-long": _error({"error": "x\n" * 100_000, "details": "\x1b[31m"}),
    "error-in-results": _results(lambda found: [{"error": 5, "details": []}]),
    "no-params": _plain(b'{"method": "update", "id": null}'),
    "update-odd": _plain(b'{"method": "update", "params": [7, {"Open_vSwitch": [1]}], "id": null}'),
    "locked-odd": _plain(b'{"method": "locked", "params": [[]], "id": null}'),
    "echo-nan": _plain(b'{"method": "echo", "params": [NaN], "id": 0}'),
    "echoes": _flood(b'{"method": "echo", "params": ["x"], "id": 0}'),
    "updates": _flood(b'{"method": "update", "params": [null, {}], "id": null}'),
    "endless": _flood(b"[1, 2, 3, "),
    "endless-object": lambda answer: [b'{"id": 1, "x": "', *repeat(b"x" * _MIB, 200)],
    "many-values": lambda answer: [b'{"id": 1, "result": [' + b"[]," * 3_000_000 + b"{}]}"],
    "nested": _plain(b'{"id": 1, "result": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "drip": _drip,
    "silence": _nothing,
    "half-and-silence": lambda answer: [_half(answer), *_nothing(answer)],
    "half-and-closed": _half,
    "closed": _plain(b""),
}
"""By name: (the right answer) -> what is sent in its place. The connection is closed after
those that say something short, as soon as the other side has closed it, or in the end."""


def serve(path: Path, tables: dict[str, list[Message]]) -> None:
    """Listen at `path` for ever."""
    lie, good = path.parent.name.rsplit(".", 1)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    while True:
        peer, _ = listener.accept()
        arguments = (peer, LIES[lie], int(good), Database(tables))
        threading.Thread(target=_one, args=arguments, daemon=True).start()


def _one(peer: socket.socket, lie: Any, good: int, database: Database) -> None:
    decoder, text = json.JSONDecoder(), ""
    with suppress(OSError, ValueError), peer:
        peer.settimeout(_PATIENCE)
        while chunk := peer.recv(1 << 16):
            text += chunk.decode()
            while text:
                try:
                    request, end = decoder.raw_decode(text)
                except ValueError:
                    break
                text = text[end:]
                answers = database.answer(request)
                if good > 0:
                    peer.sendall(_dumped(answers))
                    good -= 1
                else:
                    _send(peer, lie(answers[0]))
                    if lie in (LIES["closed"], LIES["half-and-closed"]):
                        return


def _send(peer: socket.socket, data: bytes | Iterable[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    for part in [data] if isinstance(data, bytes) else data:
        peer.sendall(part)
        if time.monotonic() > deadline:
            return


def main() -> None:
    tables = json.loads(Path(sys.argv[1]).read_text())
    for path in sys.argv[2:]:
        threading.Thread(target=serve, args=(Path(path), tables), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
