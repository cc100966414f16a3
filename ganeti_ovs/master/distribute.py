"""Documents to nodes: all at once over ssh, each node on its own and in its own time.

A node that has carried its document out answers, and takes everything back unless
it hears `confirm` within CONFIRM seconds. The master confirms only after it has
reached the node by a second, new connection: the change may have cut the path.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ganeti_ovs.model.errors import quoted

LIMIT = 60.0
"""Seconds that a node has for its answer."""
REACH_LIMIT = 15.0
"""Seconds that a node has to let the second connection in."""
CONFIRM = 30
"""Seconds after which a node takes an unconfirmed change back."""

Reach = Callable[[str, str], list[str]]
"""(node, shell command) -> the program and arguments that run the command on the node."""


@dataclass(frozen=True)
class Outcome:
    """How it went on one node."""

    node: str
    done: bool
    words: tuple[str, ...] = ()
    """What was changed, or would be; a line each."""
    warnings: tuple[str, ...] = ()
    error: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """All that the node said of it; empty if it did not answer."""


def distribute(
    documents: Mapping[str, str],
    reach: Reach,
    *,
    dry_run: bool = False,
    force: bool = False,
    on_result: Callable[[Outcome], None] = lambda _outcome: None,
) -> dict[str, Outcome]:
    """Bring every node of `documents` (node -> document) its own; return how it went, by node.

    Never raises for a node: what went wrong there is its Outcome's error. `on_result`
    is told of each node as soon as it has ended, in the caller's thread.
    """
    results: dict[str, Outcome] = {}
    if not documents:
        return results
    with ThreadPoolExecutor(len(documents)) as pool:
        futures = [
            pool.submit(_checked, node, document, reach, dry_run, force)
            for node, document in documents.items()
        ]
        for future in as_completed(futures):
            outcome = future.result()
            results[outcome.node] = outcome
            on_result(outcome)
    return dict(sorted(results.items()))


def _checked(node: str, document: str, reach: Reach, dry_run: bool, force: bool) -> Outcome:
    try:
        return _one(node, document, reach, dry_run, force)
    except (OSError, ValueError, LookupError, TypeError) as err:
        return Outcome(node, False, error=f"{type(err).__name__}: {err}")


def _one(node: str, document: str, reach: Reach, dry_run: bool, force: bool) -> Outcome:
    command = f"gnt-ovs node-apply --json --confirm {0 if dry_run else CONFIRM}"
    command += " --dry-run" * dry_run + " --force" * force
    with running(reach(node, command)) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(document + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return Outcome(node, False, error=_why(process, LIMIT))
        answer = answer_of(process, LIMIT)
        if isinstance(answer, str):
            return Outcome(node, False, error=answer)
        words = tuple(map(str, answer.get("changes", ())))
        error = str(answer.get("error") or "")
        if not (error or dry_run):
            # Without a change it needs no proof that the node can still be reached.
            error = _confirm(process, reach(node, "true") if words else [])
        warnings = tuple(map(str, answer.get("warnings", ())))
        return Outcome(node, not error, words, warnings, error, answer)


def _confirm(process: subprocess.Popen[str], again: list[str]) -> str:
    """Tell the node to keep the change, if it can be reached `again`; return what went wrong.

    The node says that it has: also without a change, it has a document to keep.
    """
    if again and not _reachable(again):
        return f"cannot be reached any more; it takes the change back within {CONFIRM} s"
    _say(process, "confirm")
    last = answer_of(process, REACH_LIMIT)
    if isinstance(last, str):
        return f"was told to keep the change, but did not say that it has: {last}"
    if last.get("confirmed") is not True:
        return f"did not keep the change: {last.get('error') or 'without saying why'}"
    return ""


def answer_of(process: subprocess.Popen[str], limit: float) -> dict[str, Any] | str:
    """The node's next line of JSON; in words, why there is none within `limit` seconds."""
    line = _line(process, limit)
    if line.startswith("{"):
        found: dict[str, Any] = json.loads(line)
        return found
    if line:
        return f"what answers is not gnt-ovs node-apply: {quoted(line.strip(), 100)}"
    return _why(process, limit)


@contextmanager
def running(argv: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The process; if it is still there at the end, its input is closed and it is ended."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        process.wait()


def _end(process: subprocess.Popen[str]) -> None:
    """With its children (a ProxyCommand), which would keep its output open."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _line(process: subprocess.Popen[str], limit: float) -> str:
    """The next line of its output, or "" when it ends or `limit` seconds have passed."""
    assert process.stdout is not None
    timer = threading.Timer(limit, _end, [process])
    timer.start()
    try:
        return process.stdout.readline()
    finally:
        timer.cancel()


def _say(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(f"{word}\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # It has ended; its last line, or the lack of it, says how.


def _reachable(argv: list[str]) -> bool:
    try:
        return not subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=REACH_LIMIT, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return False


def _why(process: subprocess.Popen[str], limit: float) -> str:
    """What it said last on standard error, or how it ended; `limit` seconds were waited."""
    assert process.stderr is not None
    timer = threading.Timer(1, _end, [process])
    timer.start()
    try:
        lines = process.stderr.read().split("\n")
        code = process.wait()
    finally:
        timer.cancel()
    said = [line.strip() for line in lines if line.strip()]
    if said:
        return quoted(said[-1], 200)[1:-1]
    if code == -signal.SIGKILL:
        return f"no answer within {limit:g} s"
    return f"no answer (exit code {code})"
