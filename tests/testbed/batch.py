"""Many programs at once, each with a time limit: how they ended, and how much memory they took.

A process of its own (python -IS batch.py): what the kernel says of a child's memory begins with
its parent's, and pytest's is large.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MEMORY = 100
"""MiB that a program of ours may have."""
_MOST = 1 << 30
"""Bytes of address space."""
LONG = 700
"""Characters that a line may have."""


def run(
    jobs: list[dict[str, Any]], directory: Path, parallel: int = 6, limit: float = 40
) -> list[dict[str, Any]]:
    """Run `jobs` ({"words", "environ", "input"}); of each its "code" (None: it had to be killed
    after `limit` seconds), "out", "err", "seconds" and "memory" (the most it had, MiB)."""
    done = subprocess.run(
        [sys.executable, "-IS", __file__, str(directory), str(parallel), str(limit)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return list(json.loads(done.stdout))


def badly_ended(done: dict[str, Any]) -> str:
    """What is wrong with how a program of ours has ended, in a word; "" if nothing is."""
    lines = done["err"].splitlines()
    checks = {
        f"ended with {done['code']}": done["code"] not in (0, 1),
        "a fault of its own": "Traceback" in done["err"] or "unexpected" in done["err"],
        f"{done['memory']:.0f} MiB": done["memory"] > MEMORY,
        "a line without our name": any(
            not line.startswith(("ganeti-ovs: ", "gnt-ovs: ", "warning: ")) for line in lines
        ),
        "a long line": any(len(line) > LONG for line in lines),
    }
    return ", ".join(words for words, bad in checks.items() if bad)


def _main() -> None:
    # A program that reads for ever must not take the machine with it.
    resource.setrlimit(resource.RLIMIT_AS, (_MOST, _MOST))
    directory, parallel, limit = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    jobs = list(enumerate(json.load(sys.stdin)))
    results: list[Any] = [None] * len(jobs)
    running: dict[int, tuple[int, float, bool]] = {}
    while jobs or running:
        while jobs and len(running) < parallel:
            number, job = jobs.pop(0)
            running[_start(directory / str(number), job)] = (number, time.monotonic(), False)
        # Ended programs first, then those that are to be ended.
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid:
            number, started, killed = running.pop(pid)
            where = directory / str(number)
            results[number] = {
                "code": None if killed else os.waitstatus_to_exitcode(status),
                "out": where.with_suffix(".out").read_text(errors="replace"),
                "err": where.with_suffix(".err").read_text(errors="replace"),
                "seconds": time.monotonic() - started,
                "memory": usage.ru_maxrss / 1024,
            }
            continue
        for pid, (number, started, killed) in running.items():
            if not killed and time.monotonic() > started + limit:
                os.kill(pid, 9)
                running[pid] = (number, started, True)
        time.sleep(0.005)
    json.dump(results, sys.stdout)


def _start(where: Path, job: dict[str, Any]) -> int:
    where.with_suffix(".in").write_text(job.get("input", ""), errors="surrogateescape")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = (
        (0, where.with_suffix(".in"), os.O_RDONLY),
        (1, where.with_suffix(".out"), flags),
        (2, where.with_suffix(".err"), flags),
    )
    actions = [(os.POSIX_SPAWN_OPEN, to, str(path), how, 0o600) for to, path, how in files]
    return os.posix_spawn(job["words"][0], job["words"], job["environ"], file_actions=actions)


if __name__ == "__main__":
    _main()
