"""Commands, namespaces and devices of the emulated machine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

LIMIT = 60.0
"""s that any single command may take."""


def run(*command: str, limit: float = LIMIT, environ: dict[str, str] | None = None) -> str:
    """Run a command and return what it prints. Raises RuntimeError when it fails.

    `limit` is in seconds; `environ` replaces this process's environment.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
            env=environ,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(command)}: not done after {limit:g} s") from None
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def in_namespace(name: str, *command: str) -> str:
    """Run a command in the network namespace `name`."""
    return run("ip", "netns", "exec", name, *command)


def wait_until(condition: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    """Poll `condition` until it is true; RuntimeError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {limit:g} s: {what}")
        time.sleep(0.05)


def processor_times() -> tuple[float, float]:
    """(used, all) processor time since boot, in ticks."""
    with open("/proc/stat") as stat:
        ticks = [float(word) for word in stat.readline().split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def die_with_parent(command: list[str]) -> list[str]:
    """The command, killed by the kernel when this program ends."""
    return ["setpriv", "--pdeathsig", "KILL", *command]


def environment(**more: str) -> dict[str, str]:
    """This process's environment with `more`."""
    return {**os.environ, **more}
