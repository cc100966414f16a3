"""A program on a node, talked to line by line, with a time limit for each answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ganeti_ovs.model.errors import Error, quoted

Reach = Callable[[str, str], list[str]]
"""(node, shell command) -> the program and arguments that run the command on the node."""

_LAST_WORDS = 1.0
"""Seconds that a program has to end when it has closed its output."""


class NoAnswer(Error):
    """It has said nothing that can be used; the text says why."""


class Connection:
    """The program that `argv` starts, usually ssh. A context manager.

    If it is still there at the end, its input is closed and it is ended. Raises OSError
    if it cannot be started.
    """

    def __init__(self, argv: list[str]) -> None:
        self._argv = argv

    def __enter__(self) -> Connection:
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._input = self._process.stdin
        self._output = self._process.stdout
        self._errors = self._process.stderr
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end()
        for pipe in (self._input, self._output, self._errors):
            with suppress(OSError):
                pipe.close()
        self._process.wait()

    def ask(self, line: str | None, limit: float, *, last: bool = False) -> dict[str, Any]:
        """Say a line (None: nothing), and return its answer, the next line, of JSON.

        `last`: its input ends then. Raises NoAnswer, at the latest after `limit` seconds, and
        ValueError for what only begins like an answer.
        """
        with self._ended_after(limit):
            self._say(line, last)
            answer = self._output.readline()
            if last and answer == "{\n":
                # NOTE: reconcile --json of the release before, which fills many lines.
                answer += self._output.read()
        if not answer:
            raise NoAnswer(self._why(limit))
        if not answer.startswith("{"):
            raise NoAnswer(f"what answers is not gnt-ovs: {quoted(answer.strip(), 100)}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _say(self, line: str | None, last: bool) -> None:
        # A program that has ended does not hear it: its last line, or the lack of it, says how.
        with suppress(BrokenPipeError):
            if line is not None:
                self._input.write(f"{line}\n")
                self._input.flush()
            if last:
                self._input.close()

    def _why(self, limit: float) -> str:
        """What it said last on standard error, or how it ended; `limit` seconds were waited."""
        with self._ended_after(_LAST_WORDS):
            lines = self._errors.read().split("\n")
            code = self._process.wait()
        said = [line.strip() for line in lines if line.strip()]
        if said:
            return quoted(said[-1], 200)[1:-1]
        if code == -signal.SIGKILL:
            return f"no answer within {limit:g} s"
        return f"no answer (exit code {code})"

    @contextmanager
    def _ended_after(self, limit: float) -> Iterator[None]:
        """What is waited for inside comes, or fails because the program is ended, in time."""
        timer = threading.Timer(limit, self._end)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        """With its children (a ProxyCommand), which would keep its output open."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def reachable(argv: list[str], limit: float) -> bool:
    """Whether the program ends well, within `limit` seconds."""
    try:
        return not subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return False
