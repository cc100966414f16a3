"""The client against a server that does what a real ovsdb-server cannot be made to do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb import client as module
from ganeti_ovs.ovsdb.client import Client, DatabaseUnavailable, TransactionFailed, check

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
    result = [{"rows": [{"name": "ü}" * 500, "map": ["map", []]}]}]

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        answer = json.dumps({"id": request["id"], "result": result}, ensure_ascii=False).encode()
        for position in range(0, len(answer), 7):
            peer.sendall(answer[position : position + 7])
            time.sleep(0.0005)

    with server(tmp_path / "s", behave) as path, Client(path) as client:
        assert client.transact([]) == result


def test_two_messages_at_once_and_an_echo_between(tmp_path: Path) -> None:
    heard = []

    def behave(peer: socket.socket, request: dict[str, Any]) -> None:
        echo = {"method": "echo", "params": ["x"], "id": "echo"}
        update: dict[str, Any] = {"method": "update", "params": [None, {}], "id": None}
        peer.sendall(json.dumps(update).encode() + json.dumps(echo).encode())
        heard.append(json.loads(peer.recv(65536)))
        peer.sendall(json.dumps(update).encode() + reply(request, [{}]))

    with server(tmp_path / "s", behave) as path, Client(path) as client:
        assert client.transact([]) == [{}]
        assert [message["method"] for message in client.notifications] == ["update", "update"]
    assert heard == [{"id": "echo", "result": ["x"], "error": None}]


@pytest.mark.parametrize("early", [b"", b'{"id": 1, "res', b"garbage"])
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
def test_every_element_is_looked_at(results: list[Any], error: str) -> None:
    with pytest.raises(TransactionFailed) as caught:
        check(results)
    assert caught.value.error == error


def test_good_results() -> None:
    assert check([{}, {"count": 0}]) == [{}, {"count": 0}]
