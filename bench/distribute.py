"""make bench-distribute: one vSwitch for 32 nodes, against 4, both on this one machine.

The master is real: Ganeti's daemons, its jobs, gnt-ovs as it is installed. Each node is a network
namespace with an Open vSwitch of its own, and ssh is a script that enters it, so that each node
has gnt-ovs node-apply started as by sshd. All nodes' daemons run all the time, and the two groups
take turns; what counts are the ratios of the medians.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from typing import Any

from bench.attach import RESULT as ATTACH_RESULT
from bench.attach import progress
from bench.distribute_run import COMMANDS, FEW, MANY
from tests.cluster.lab import Cluster

ROUNDS = 9
TARGET = 2.5
"""The most that the longer time may be of the shorter one, for each gnt-ovs command."""
MEMORY_TARGET = 0.25
"""The most MiB that the master may need for each further node."""
RESULT = ATTACH_RESULT.with_name("distribute.md")
_LIMIT = 1800
_HEAD = f"| {FEW} nodes | {MANY} nodes | ratio |"
_MACHINE = f"processor time {FEW} / {MANY} nodes | of Open vSwitch | memory"

Medians = dict[tuple[str, str, int], dict[str, float]]
"""(way, what, number of nodes) -> what was measured."""


def measured() -> tuple[Medians, str]:
    """The medians of all rounds, and Open vSwitch's version."""
    progress(f"{ROUNDS} rounds, some 30 seconds each")
    cluster = Cluster(nodes=1)
    try:
        found: list[dict[str, Any]] = json.loads(
            cluster.master.run(
                "env", "PYTHONPATH=/srv/source", "PYTHONDONTWRITEBYTECODE=1",
                "python3", "-m", "bench.distribute_run", str(ROUNDS), limit=_LIMIT,
            ).stdout
        )  # fmt: skip
        version = cluster.master.run("ovs-vsctl", "--version").stdout.splitlines()[0]
    finally:
        cluster.close()
    progress("")
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for one in found:
        groups.setdefault((one["way"], one["what"], one["nodes"]), []).append(one)
    return {
        key: {
            name: statistics.median(one[name] for one in group)
            for name in ("wall", "processor", "daemons", "peak")
        }
        for key, group in groups.items()
    }, version


def row(medians: Medians, way: str, what: str) -> tuple[float, float, str]:
    """(ratio of the times, MiB for each further node, the cells of the table from the times on)."""
    few, many = medians[way, what, FEW], medians[way, what, MANY]
    ratio = many["wall"] / few["wall"]
    cells = [
        f"{few['wall']:.2f} s",
        f"{many['wall']:.2f} s",
        f"{ratio:.2f}",
        f"{few['processor']:.2f} / {many['processor']:.2f} s",
        f"{few['daemons']:.2f} / {many['daemons']:.2f} s",
        f"{few['peak']:.1f} / {many['peak']:.1f} MiB",
    ]
    return ratio, (many["peak"] - few["peak"]) / (MANY - FEW), " | ".join(cells)


def about(version: str) -> str:
    return f"""# A vSwitch for {MANY} nodes

Written by `make bench-distribute`: medians of {ROUNDS} rounds.
{os.cpu_count()} cores, Linux {os.uname().release.split("-")[0]}, {version}, userspace datapath.
A real Ganeti master. The nodes are namespaces of the same machine, each with an Open
vSwitch, and a script is ssh. `add-switch` makes a vSwitch with a bond of two uplinks,
trunks and an MTU, `modify-switch` changes its trunks, first as a dry run, and `apply` then
has nothing to do.
"""


def conclusion(memory: float, missed: list[str]) -> str:
    return f"""A command may take {TARGET} times as long for {MANY} nodes as for {FEW}, and its
master's side {MEMORY_TARGET} MiB for each further node (it takes {memory:.2f}).
Missed here: {", ".join(missed) or "nothing"}.

The distribution alone is what is left without the start of gnt-ovs, Ganeti's library and
its job. {MANY} nodes are {MANY // FEW} times the work of {FEW}, which keep {os.cpu_count()} cores
busy already, so its ratio cannot be much better; real nodes do that work each for itself.
Processor time is that of gnt-ovs and all that it starts, also on the nodes.
"""


def main() -> int:
    medians, version = measured()
    missed = []
    memory = 0.0
    lines = [f"| gnt-ovs {_HEAD} {_MACHINE} |", "|---" * 7 + "|"]
    for what, words in COMMANDS.items():
        ratio, each, cells = row(medians, "command", what)
        if ratio > TARGET or each > MEMORY_TARGET:
            missed.append(what)
        memory = max(memory, each)
        lines.append(f"| {words[0]}{' --dry-run' * (what == 'dry run')} | {cells} |")
    lines += ["", f"| distribution alone {_HEAD} {_MACHINE} |", "|---" * 7 + "|"]
    lines += [f"| {what} | {row(medians, 'alone', what)[2]} |" for what in COMMANDS]
    table = "\n".join(lines)
    print(table)
    RESULT.write_text(f"{about(version)}\n{table}\n\n{conclusion(memory, missed)}")
    if missed:
        print("bench: a target was missed", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
