"""make bench-qos: what guests get from their limits, under our burst rule and others'.

`compare` measures every rule of tests/kernel/rules.py with the same traffic on the same
machine, `sweep` measures how the burst decides what TCP gets, `draw` renders both into
docs/. Without arguments: compare and draw. Results are kept as JSON next to
docs/bandwidth.md, so drawing needs no measuring.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.qos_draw import draw
from tests.kernel.job import Columns, Flow, Guest, Job
from tests.kernel.machine import Machine, MachineError
from tests.kernel.rules import KIBIBIT, RULES

DOCS = Path(__file__).parents[1] / "docs"
COMPARED = DOCS / "bandwidth-compare.json"
SWEPT = DOCS / "bandwidth-sweep.json"
M = 10**6
RATES = (2 * M, 10 * M, 50 * M, 200 * M)
DIRECTIONS = ("out", "in")
ROUNDS = 3
BURSTS = {"out": (50, 100, 200, 250, 300, 350, 400, 500, 1000), "in": (0, 10, 50, 200)}
"""ms of the rate that the burst holds. in, 0: no burst given, so one frame."""


@dataclass(frozen=True)
class Traffic:
    """A row of the comparison."""

    name: str
    protocol: str
    streams: int = 1
    delay: float = 0

    def jobs(self, direction: str, rule: str) -> Iterator[tuple[tuple[int, ...], Job]]:
        """The jobs that measure it at all rates, and each one's rates."""
        udp = self.protocol == "udp"
        # UDP at three times 200 Mbit/s is all that the machine can send.
        for rates in (RATES[:-1], RATES[-1:]) if udp else (RATES,):
            guests = tuple(
                Guest(
                    (Flow(direction, self.protocol, self.streams, 3 * rate if udp else 0),),
                    RULES[rule](rate),
                )
                for rate in rates
            )
            yield rates, Job(guests, delay=self.delay)


TRAFFIC = (
    Traffic("TCP, 1 stream", "tcp"),
    Traffic("TCP, 8 streams", "tcp", 8),
    Traffic("TCP, 1 stream, 20 ms", "tcp", delay=20),
    Traffic("UDP at 3 times the rate", "udp"),
)


def progress(text: str) -> None:
    """Show what is being done, on a terminal in one line."""
    start, end = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
    print(f"{start}{text}", end=end, file=sys.stderr, flush=True)


def measured(machine: Machine, job: Job) -> list[tuple[float, float]]:
    """(goodput, goodput of the first second) of every guest, bit/s; once again if it fails."""
    for attempt in (1, 2):
        try:
            flows = [guest[0] for guest in machine.measure(job).flows]
            return [(flow.goodput, flow.intervals[0]) for flow in flows]
        except MachineError as error:
            if attempt == 2:
                raise
            progress(f"again, after: {str(error).splitlines()[-1]}")
    raise AssertionError


def compare(machine: Machine, rounds: int) -> list[dict[str, Any]]:
    """Medians of `rounds`; the rules take turns, so whatever else the host does hits all."""
    values: dict[tuple[str, str, str, int], list[tuple[float, float]]] = {}
    for turn in range(rounds):
        for traffic in TRAFFIC:
            for direction in DIRECTIONS:
                for rule in RULES:
                    progress(f"round {turn + 1} of {rounds}: {traffic.name}, {direction}, {rule}")
                    for rates, job in traffic.jobs(direction, rule):
                        for rate, value in zip(rates, measured(machine, job)):
                            key = (rule, traffic.name, direction, rate)
                            values.setdefault(key, []).append(value)
    return [
        {
            "rule": rule,
            "traffic": name,
            "direction": direction,
            "rate": rate,
            "share": statistics.median(goodput / rate for goodput, _ in found),
            "least": min(goodput / rate for goodput, _ in found),
            "most": max(goodput / rate for goodput, _ in found),
            "first": statistics.median(first / rate for _, first in found),
        }
        for (rule, name, direction, rate), found in values.items()
    ]


def limited(direction: str, rate: int, burst: float) -> Columns:
    """Columns with a burst of `burst` ms of the rate."""
    bits = round(rate * burst / 1000)
    if direction == "out":
        return Columns(policing_rate=rate // 1000, policing_burst=max(1, round(bits / KIBIBIT)))
    queue = {"max-rate": str(rate), "min-rate": str(rate), "burst": str(bits)}
    return Columns(qos={"max-rate": str(rate)}, queue=queue)


def sweep(machine: Machine) -> list[dict[str, Any]]:
    """One short measurement of every point, several guests at once."""
    points = []
    for mtu, offloads, delay in (
        (1500, True, 0), (1500, True, 20), (1500, False, 0), (1500, False, 20),
        (9000, True, 0), (9000, True, 20),
    ):  # fmt: skip
        for direction in DIRECTIONS:
            for streams in (1, 8):
                for rate in RATES:
                    where = {
                        "direction": direction, "mtu": mtu, "offloads": offloads,
                        "delay": delay, "streams": streams, "rate": rate,
                    }  # fmt: skip
                    progress(", ".join(f"{key} {value}" for key, value in where.items()))
                    together = 2 if rate == 200 * M else 4
                    bursts = BURSTS[direction]
                    for first in range(0, len(bursts), together):
                        batch = bursts[first : first + together]
                        guests = tuple(
                            Guest((Flow(direction, streams=streams),), limited(direction, rate, b))
                            for b in batch
                        )
                        job = Job(guests, mtu=mtu, offloads=offloads, delay=delay, seconds=6)
                        for burst, (goodput, _) in zip(batch, measured(machine, job)):
                            points.append({**where, "burst": burst, "share": goodput / rate})
    return points


def keep(path: Path, points: list[dict[str, Any]]) -> None:
    """Write results, one point a line."""
    for point in points:
        for key, value in point.items():
            if isinstance(value, float):
                point[key] = round(value, 4)
    path.write_text("[\n" + ",\n".join(json.dumps(point) for point in points) + "\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.qos", description=__doc__)
    parser.add_argument("what", nargs="*", choices=["compare", "sweep", "draw", []])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of compare (default: 3)")
    options = parser.parse_args()
    wanted = options.what or ["compare", "draw"]
    began = time.monotonic()
    if set(wanted) & {"compare", "sweep"}:
        with Machine() as machine:
            if "compare" in wanted:
                keep(COMPARED, compare(machine, options.rounds))
            if "sweep" in wanted:
                keep(SWEPT, sweep(machine))
    if "draw" in wanted:
        print(draw(json.loads(COMPARED.read_text()), json.loads(SWEPT.read_text()), DOCS))
    progress(f"done in {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
