"""The client against a server that does what a real ovsdb-server cannot be made to do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.operations import Comment, Select
from ganeti_ovs.model.rows import Port
from ganeti_ovs.ovsdb import client as module
from ganeti_ovs.ovsdb.client import Client, DatabaseUnavailable, TransactionFailed
from ganeti_ovs.ovsdb.decode import Reply

SELECT = [Select("Port", None, ("name", "external_ids"))]
Behaviour = Callable[[socket.socket, dict[str, Any]], None]


@contextmanager
def server(path: Path, behave: Behaviour) -> Iterator[str]:
    """Takes one connection, reads one request and lets `behave` answer it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            request = json.loads(peer.recv(65536))
            behave(peer, request)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield str(path)
    thread.join(5)
    listener.close()
    assert not thread.is_alive()


def reply(request: dict[str, Any], result: Any, error: Any = None) -> bytes:
    return json.dumps({"id": request["id"], "result": result, "error": error}).encode()


def test_an_answer_in_pieces(tmp_path: Path) -> None:
    name = "ü}" * 500
    result = [{"rows": [{"name": name, "external_ids": ["map", []]}]}]

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        answer = json.dumps({"id": request["id"], "result": result}, ensure_ascii=False).encode()
        for position in range(0, len(answer), 7):
            peer.sendall(answer[position : position + 7])
            time.sleep(0.0005)

    with server(tmp_path / "s", behave) as path, Client(path) as client:
        (found,) = client.transact(SELECT)
    assert found.rows == (Port({"name": name, "external_ids": {}}),)


def test_whole_messages_do_not_wait_for_the_rest_of_another(tmp_path: Path) -> None:
    update = b'{"method": "update", "params": [null, {"}{": 1}], "id": null}'

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        peer.sendall(update * 3 + update[:40])
        peer.recv(1)
        peer.sendall(update[40:] + reply(request, {}))
        peer.recv(1)

    with server(tmp_path / "s", behave) as path, Client(path) as client:
        request = client.post("monitor")
        assert client.receive(time.monotonic() + 3)
        assert len(client.notifications) == 3
        client._stream.send(b".", time.monotonic() + 3)
        assert client.answer(request) == {}
        assert len(client.notifications) == 4


def test_two_messages_at_once_and_an_echo_between(tmp_path: Path) -> None:
    heard = []

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        echo = {"method": "echo", "params": ["x"], "id": "echo"}
        update: dict[str, Any] = {"method": "update", "params": [None, {}], "id": None}
        peer.sendall(json.dumps(update).encode() + json.dumps(echo).encode())
        heard.append(json.loads(peer.recv(65536)))
        peer.sendall(json.dumps(update).encode() + reply(request, [{}]))

    with server(tmp_path / "s", behave) as path, Client(path) as client:
        assert client.transact([Comment("x")]) == [Reply()]
        assert [message["method"] for message in client.notifications] == ["update", "update"]
    assert heard == [{"id": "echo", "result": ["x"], "error": None}]


@pytest.mark.parametrize("early", [b"", b'{"id": 1, "res', b'{"id": 1, "result": {}', b"{]}"])
def test_silence_has_a_limit(early: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.3)
    done = threading.Event()

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        peer.sendall(early)
        done.wait(5)

    with server(tmp_path / "s", behave) as path:
        with Client(path) as client, pytest.raises(DatabaseUnavailable, match=r"within 0\.3 s"):
            client.transact([])
        done.set()


def test_slow_drops_do_not_extend_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each drop resets a socket's own time-out, but not ours."""
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.4)
    done = threading.Event()

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        while not done.wait(0.05):
            try:
                peer.sendall(b"[")
            except OSError:
                return

    with server(tmp_path / "s", behave) as path:
        started = time.monotonic()
        with Client(path) as client, pytest.raises(DatabaseUnavailable):
            client.transact([])
        assert time.monotonic() - started < 3
        done.set()


def test_a_closed_connection(tmp_path: Path) -> None:
    with (
        server(tmp_path / "s", lambda peer, request: None) as path,
        Client(path) as client,
        pytest.raises(DatabaseUnavailable, match="closed"),
    ):
        client.transact([])


def test_an_error_instead_of_an_answer(tmp_path: Path) -> None:
    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        peer.sendall(reply(request, None, {"error": "unknown database"}))

    with (
        server(tmp_path / "s", behave) as path,
        Client(path) as client,
        pytest.raises(Error, match="unknown database"),
    ):
        client.transact([])


@pytest.mark.parametrize(
    ("results", "error"),
    [
        ([{"count": 1}, {"error": "timed out", "details": "x"}, None], "timed out"),
        ([{}, {}, {"error": "constraint violation", "details": "x"}], "constraint violation"),
        ([{"error": "not owner"}], "not owner"),
    ],
)
def test_every_element_is_looked_at(results: list[Any], error: str, tmp_path: Path) -> None:
    with (
        server(tmp_path / "s", lambda peer, request: peer.sendall(reply(request, results))) as path,
        Client(path) as client,
        pytest.raises(TransactionFailed) as caught,
    ):
        client.transact([Comment("x"), Comment("y")])
    assert caught.value.error == error


ROW = {"name": "br0", "external_ids": ["map", []]}
NO_MAPS: list[Any] = [
    None, {}, "map", ["map"], ["map", None], ["map", [["a"]]], ["map", [[1, 2]]], ["set", []],
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (b"garbage", "no JSON object"),
        (b"null", "no JSON object"),
        (b"[1]", "no JSON object"),
        (b'{"id": "\xff"}', "no UTF-8"),
        (b'{"id": 1, "result": ' + b"[" * 100_000 + b"}", "nested too deeply"),
        (b'{"id": 1, "result": ' + b'{"a":' * 100_000 + b"}", "nested too deeply"),
        (b'{"id": 1, "x": "' + b"x" * (17 << 20), "more than 16 MiB without an end"),
        (b'{"id": 1, "result": [' + b"[]," * 1_000_000 + b"{}]}", "more than 1048576 values"),
        (b'{"method": "update", "params": [], "id": null}' * 400_000, "more than "),
        (b'{"id": 1, "method": "update"}', "a message without params"),
        (b'{"id": 1, "method": "echo", "params": {}}', "a message without params"),
        (b'{"id": 1, "method": "echo", "params": [NaN]}', "an echo that is no JSON"),
        (b'{"result": []}', "an answer to nothing"),
        (b'{"id": 2, "result": []}', "an answer to nothing"),
        (b'{"id": true, "result": []}', "an answer to nothing"),
        (b'{"id": [1], "result": []}', "an answer to nothing"),
        (b'{"id": null, "result": []}', "an answer to nothing"),
        (b'{"id": 1, "result": [{"rows": []}]}' * 2, "an answer to nothing"),
        (b'{"id": 1, "error": 7}', "an error of another form"),
        (b'{"id": 1, "error": {"error": []}}', "an error of another form"),
        (b'{"id": 1, "error": {"error": "x", "details": [1]}}', "an error of another form"),
        (b'[{"id": 1}{"id": 2}', "no JSON object"),
        (b'{"id": 1}', "no results of a transaction"),
        (b'{"id": 1, "result": {}}', "no results of a transaction"),
        (b'{"id": 1, "result": []}', "0 results of 1 operations"),
        (b'{"id": 1, "result": [null]}', "a result that is no object"),
        (b'{"id": 1, "result": [{"error": null}]}', "an error of another form"),
        (b'{"id": 1, "result": [{}]}', "a selection without rows"),
        (b'{"id": 1, "result": [{"rows": {}}]}', "a selection without rows"),
        (b'{"id": 1, "result": [{"rows": [[]]}]}', "a row of Port that is no object"),
        (b'{"id": 1, "result": [{"rows": [{"name": "x"}]}]}', "without external_ids"),
        *(
            (
                json.dumps({"id": 1, "result": [{"rows": [{**ROW, "name": name}]}]}).encode(),
                "a value that Port's name cannot have",
            )
            for name in (None, 1, [], ["set", []], "\ud800")
        ),
        *(
            (
                json.dumps(
                    {"id": 1, "result": [{"rows": [{**ROW, "external_ids": ids}]}]}
                ).encode(),
                "a value that Port's external_ids cannot have",
            )
            for ids in NO_MAPS
        ),
    ],
)
def test_nonsense(answer: bytes, what: str, tmp_path: Path) -> None:
    """Each is an error of one short line, at once: without waiting for the time limit."""

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        with suppress(OSError):
            peer.sendall(answer)
            peer.recv(1)

    with server(tmp_path / "s", behave) as path, Client(path) as client:
        with pytest.raises(DatabaseUnavailable) as caught:
            client.transact(SELECT)
        client.close()
    text = str(caught.value)
    assert what in text
    assert f"answers nonsense at {path}: " in text
    assert len(text) < 200 + len(path)
    assert text.isprintable()


def test_a_flood_does_not_extend_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Echo requests, which are answered, and never what was asked for."""
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.4)
    done = threading.Event()

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        peer.settimeout(0.05)
        while not done.is_set():
            with suppress(OSError):  # also when the other side has gone
                peer.sendall(b'{"method": "echo", "params": [], "id": 0}' * 10)
                peer.recv(1 << 16)

    with server(tmp_path / "s", behave) as path:
        with Client(path) as client, pytest.raises(DatabaseUnavailable, match=r"within 0\.4 s"):
            client.transact(SELECT)
        done.set()


def test_a_row_that_is_missing(tmp_path: Path) -> None:
    rows = [
        {"rows": [{"_uuid": ["uuid", "b"], "ports": ["set", [["uuid", "p"], ["uuid", "q"]]]}]},
        {"rows": [{"_uuid": ["uuid", "p"]}]},
    ]
    with (
        server(tmp_path / "s", lambda peer, request: peer.sendall(reply(request, rows))) as path,
        Client(path) as client,
        pytest.raises(DatabaseUnavailable, match="a row of Bridge that refers to a missing Port"),
    ):
        client.read({"Bridge": ("ports",), "Port": ("_uuid",)})


def test_words_of_the_server_are_one_short_line() -> None:
    text = str(TransactionFailed("x\n", "\x1b[31m" + "y" * 1000))
    assert text.isprintable()
    assert len(text) < 400
