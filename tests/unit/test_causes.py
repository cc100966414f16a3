"""An error is one line; GANETI_OVS_DEBUG=1 shows before it what caused it, at every door."""

from __future__ import annotations

import ast
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.linux.ending import ended
from tests.captured import DIRECTORY, environment
from tests.testbed.liar import Database

ROOT = Path(__file__).parents[2]


def test_no_cause_is_hidden() -> None:
    """That each `raise` in a handler has one is what ruff looks at (B904)."""
    for path in (ROOT / "ganeti_ovs").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            hidden = isinstance(node, ast.Raise) and isinstance(node.cause, ast.Constant)
            assert not hidden, f"{path}:{getattr(node, 'lineno', 0)}"


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Path]:
    """The directory of an ovsdb-server that refuses every transaction."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "db.sock"))
        listening.listen()
        threading.Thread(target=_refuse, args=(listening,), daemon=True).start()
        yield tmp_path
        listening.shutdown(socket.SHUT_RDWR)


def _refuse(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    database, text = Database({}), ""
    with connection:
        while chunk := connection.recv(1 << 16):
            text += chunk.decode()
            while text:
                request, end = json.JSONDecoder().raw_decode(text)
                text = text[end:]
                for message in _answers(database, request):
                    connection.sendall(json.dumps(message).encode())


def _answers(database: Database, request: dict[str, Any]) -> list[dict[str, Any]]:
    if request["method"] != "transact":
        return database.answer(request)
    why = {"error": "constraint violation", "details": "the disk is made of cheese"}
    return [{"id": request["id"], "result": [why], "error": None}]


def run(module: str, directory: Path, debug: bool, *arguments: str, **environ: str) -> list[str]:
    """The lines on standard error of one that fails."""
    code = f"import sys; from ganeti_ovs.{module} import main; sys.exit(main())"
    environ |= {"OVS_RUNDIR": str(directory), "LOCALSTATEDIR": str(directory / "var")}
    environ |= {"GANETI_OVS_DEBUG": "1"} if debug else {}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    return done.stderr.splitlines()


DOORS: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "tap script": (
        "ifup.network",
        [],
        {"ACTION": "down", "MODE": "openvswitch", "INTERFACE": "tap0", "INSTANCE": "i.lab"},
    ),
    "hook": (
        "hooks.main",
        [],
        {
            **environment(DIRECTORY / "hooks" / "instance-add-pre.env"),
            "GANETI_HOOKS_PHASE": "pre",
            "GANETI_INSTANCE_PRIMARY": socket.gethostname(),
        },
    ),
    "command": ("cli.main", ["show"], {}),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_refused_transaction(door: str, refusing: Path) -> None:
    module, arguments, environ = DOORS[door]
    (line,) = run(module, refusing, False, *arguments, **environ)
    assert line.endswith("refused the change: constraint violation: the disk is made of cheese")
    shown = run(module, refusing, True, *arguments, **environ)
    assert shown[0] == "Traceback (most recent call last):"
    (transaction,) = (one for one in shown if one.startswith("transaction: "))
    assert json.loads(transaction.removeprefix("transaction: "))[0]["op"]
    assert any(one.startswith("answer: ") and "cheese" in one for one in shown)
    assert shown[-1] == line


@pytest.mark.parametrize("door", DOORS)
def test_nobody_listens(door: str, tmp_path: Path) -> None:
    """What the system has said stands there, too."""
    module, arguments, environ = DOORS[door]
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "db.sock"))
    (line,) = run(module, tmp_path, False, *arguments, **environ)
    assert line.endswith("Connection refused; is ovsdb-server running?")
    shown = run(module, tmp_path, True, *arguments, **environ)
    assert any(one.startswith("ConnectionRefusedError: ") for one in shown)
    assert "The above exception was the direct cause of the following exception:" in shown
    assert shown[-1] == line


def test_a_library_that_is_missing() -> None:
    def main() -> int:
        import nosuchlibrary  # type: ignore[import-not-found]  # noqa: F401

        return 0

    handler, said = signal.getsignal(signal.SIGTERM), list[str]()
    assert ended("gnt-ovs", main, said.append) == 1
    signal.signal(signal.SIGTERM, handler)
    (line,) = said
    assert line.startswith("No module named 'nosuchlibrary' on this node; README.md ")
