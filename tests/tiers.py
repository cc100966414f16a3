"""Several runs of pytest, one process each, and at the end one summary of them all.

    python -m tests.tiers COMMAND... [with COMMAND...]... [then COMMAND...]...

A COMMAND is a shell's command line that ends in pytest's summary: of one tier, or of another
release's tests. Commands run one after the other, those after `with` beside those before it, and
those after `then` when all before have ended. All of them run, whatever becomes of the others.
Ends with 1 if any has failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_SUMMARY = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s\b.*$", re.MULTILINE)
_COUNT = re.compile(r"(\d+) (\w+)")
_BAD = re.compile(r"^(?:FAILED|ERROR) .*$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_ORDER = ("failed", "errors", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings")

_voice = threading.Lock()
"""Who holds it writes what its command says as it comes; the others keep it for later."""


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
        return self.code == 0 and bool(self.counts)


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
    output, shown, speaking = bytearray(f"{command}\n".encode()), 0, False
    with subprocess.Popen(
        ["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        try:
            while True:
                if speaking := speaking or _voice.acquire(blocking=False):
                    shown += os.write(1, output[shown:])
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    break
                output += chunk
            speaking = speaking or _voice.acquire()
            while shown < len(output):
                shown += os.write(1, output[shown:])
        finally:
            if speaking:
                _voice.release()
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
    total = sum((one.counts for one in runs), Counter[str]())
    broken = sum(not one.counts for one in runs)
    total["errors"] += broken  # each counts as one
    hours = time.strftime("%H:%M:%S", time.gmtime(seconds))
    last = f" {counted(total)} in {seconds:.2f}s ({hours}) "
    return [" all of them ".center(80, "="), *lines, last.center(80, "=")]


def plan(words: list[str]) -> list[list[list[str]]]:
    """Steps of lanes of commands."""
    steps: list[list[list[str]]] = [[[]]]
    for word in words:
        if word == "then":
            steps.append([[]])
        elif word == "with":
            steps[-1].append([])
        else:
            steps[-1][-1].append(word)
    return steps


def main(words: list[str]) -> int:
    begun = time.monotonic()
    runs: list[Run] = []
    for lanes in plan(words):
        with ThreadPoolExecutor(len(lanes)) as pool:
            for done in pool.map(lambda lane: [run(command) for command in lane], lanes):
                runs += done
    print(*summary(runs, time.monotonic() - begun), sep="\n")
    return 0 if all(one.good for one in runs) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        # The commands got the signal, too.
        sys.exit(130)
