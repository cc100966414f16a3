"""Several runs of pytest, one process each, and at the end one summary of them all.

    python -m tests.tiers COMMAND... [with COMMAND...]... [next COMMAND...] [then ...]...

A COMMAND is a shell's command line that ends in pytest's summary: of one tier, or of another
release's tests. Commands run one after the other, in a lane; those after `with` are a lane beside
those before it. Those after `next` go, in their order, to whichever lane has done its own. Those
after `then` run when all before have ended. All of them run, whatever becomes of the others. Ends
with 1 if any has failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_SUMMARY = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s\b.*$", re.MULTILINE)
_COUNT = re.compile(r"(\d+) (\w+)")
_BAD = re.compile(r"^(?:FAILED|ERROR) .*$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_ORDER = ("failed", "errors", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings")


class Voice:
    """One command at a time is heard as it speaks. What another one has said by its end is kept,
    and written when the first one has ended: nobody waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speaker: object = None
        self._kept: list[bytes] = []

    def has(self, who: object) -> bool:
        """Whether `who` is heard, now that it has something to say."""
        with self._lock:
            self._speaker = self._speaker or who
            return self._speaker is who

    def end(self, who: object, rest: bytes) -> None:
        """`who` has ended; `rest` is what was not heard of it yet."""
        with self._lock:
            self._kept.append(rest)
            if self._speaker in (None, who):
                say(b"".join(self._kept))
                self._kept.clear()
                self._speaker = None


def say(what: bytes) -> None:
    """Write all of it."""
    while what:
        what = what[os.write(1, what) :]


_voice = Voice()


@dataclass(frozen=True)
class Run:
    """How one command ended: what pytest counted, and the lines that name what went wrong."""

    command: str
    code: int
    counts: Counter[str]
    bad: list[str]
    seconds: float = 0

    @property
    def good(self) -> bool:
        """All that was to run has passed. What tests need is there, so none has to be skipped."""
        return self.code == 0 and bool(self.counts) and not self.counts["skipped"]


def outcome(command: str, code: int, output: str, seconds: float = 0) -> Run:
    """What `output` says; no counts where pytest has not come to its end."""
    text = _COLOUR.sub("", output)
    counts: Counter[str] = Counter()
    if found := _SUMMARY.findall(text):
        for number, word in _COUNT.findall(found[-1]):
            counts[{"error": "errors", "warning": "warnings"}.get(word, word)] += int(number)
    return Run(command, code, counts, list(dict.fromkeys(_BAD.findall(text))), seconds)


def run(command: str) -> Run:
    """Run it to its end; what it says is never mixed with what others say."""
    begun = time.monotonic()
    output, shown = bytearray(f"{command}\n".encode()), 0
    with subprocess.Popen(
        ["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        try:
            while True:
                if _voice.has(process):
                    say(bytes(output[shown:]))
                    shown = len(output)
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    break
                output += chunk
        finally:
            _voice.end(process, bytes(output[shown:]))
    seconds = time.monotonic() - begun
    return outcome(command, process.returncode, output.decode(errors="replace"), seconds)


def counted(counts: Counter[str]) -> str:
    """In pytest's words."""
    return ", ".join(f"{counts[word]} {word}" for word in _ORDER if counts[word]) or "no tests ran"


def summary(runs: list[Run], seconds: float) -> list[str]:
    """Lines for people; the last one is as pytest's own."""
    lines = []
    for one in runs:
        lines += [f"{counted(one.counts)} in {one.seconds:.0f}s: {one.command}", *one.bad]
        if one.code:
            lines.append(f"ended with {one.code}")
        elif one.counts["skipped"]:
            lines.append("skipped tests have shown nothing: see why with -rs")
    total = sum((one.counts for one in runs), Counter[str]())
    broken = sum(not one.counts for one in runs)
    total["errors"] += broken  # each counts as one
    hours = time.strftime("%H:%M:%S", time.gmtime(seconds))
    last = f" {counted(total)} in {seconds:.2f}s ({hours}) "
    return [" all of them ".center(80, "="), *lines, last.center(80, "=")]


@dataclass(frozen=True)
class Step:
    """Lanes of commands, and those that are for whichever lane is free."""

    lanes: list[list[str]]
    shared: list[str]


def plan(words: list[str]) -> list[Step]:
    """What is to be done, step by step."""
    steps = [Step([[]], [])]
    commands = steps[-1].lanes[-1]
    for word in words:
        if word == "then":
            steps.append(Step([[]], []))
            commands = steps[-1].lanes[-1]
        elif word == "with":
            commands = []
            steps[-1].lanes.append(commands)
        elif word == "next":
            commands = steps[-1].shared
        else:
            commands.append(word)
    return steps


def run_lane(commands: list[str], shared: deque[str]) -> list[Run]:
    """Its own commands, then of the shared ones as long as there are any."""
    runs = [run(command) for command in commands]
    while True:
        try:
            command = shared.popleft()
        except IndexError:
            return runs
        runs.append(run(command))


def main(words: list[str]) -> int:
    begun = time.monotonic()
    runs: list[Run] = []
    for step in plan(words):
        shared = deque(step.shared)
        with ThreadPoolExecutor(len(step.lanes)) as pool:
            for done in pool.map(lambda lane, shared=shared: run_lane(lane, shared), step.lanes):
                runs += done
    print(*summary(runs, time.monotonic() - begun), sep="\n")
    return 0 if all(one.good for one in runs) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        # The commands got the signal, too.
        sys.exit(130)
