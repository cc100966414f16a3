"""make bench-distribute: one vSwitch for 32 nodes, against 4: what each further one costs.

The master is real: Ganeti's daemons, its jobs, gnt-ovs as it is installed. A script is ssh and
answers for each node after a fixed time, as nodes work at the same time and each for itself. The
two groups take turns. What counts: the ratio of the times, and the processor time that the
master's own processes need for each further node.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from typing import Any

from bench.attach import RESULT as ATTACH_RESULT
from bench.attach import progress
from bench.distribute_nodes import DELAY
from bench.distribute_run import COMMANDS, FEW, MANY
from tests.cluster.lab import Cluster

ROUNDS = 5
TARGET = 1.3
"""The most that the longer time may be of the shorter one, for each gnt-ovs command."""
PROCESSOR_TARGET = 5.0
"""The most ms of processor time that gnt-ovs itself may need for each further node."""
MEMORY_TARGET = 0.25
"""The most MiB that it may need for each further node."""
RESULT = ATTACH_RESULT.with_name("distribute.md")
_LIMIT = 1800
_HEAD = (
    f"| {FEW} nodes | {MANY} nodes | ratio | processor time {FEW} / {MANY} nodes"
    " | for each further node | memory |"
)

Medians = dict[tuple[str, str, int], dict[str, float]]
"""(way, what, number of nodes) -> what was measured."""


def measured() -> Medians:
    """The medians of all rounds."""
    progress(f"{ROUNDS} rounds, some 40 seconds each")
    cluster = Cluster(nodes=1)
    try:
        found: list[dict[str, Any]] = json.loads(
            cluster.master.run(
                "env", "PYTHONPATH=/srv/source", "PYTHONDONTWRITEBYTECODE=1",
                "python3", "-m", "bench.distribute_run", str(ROUNDS), limit=_LIMIT,
            ).stdout
        )  # fmt: skip
    finally:
        cluster.close()
    progress("")
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for one in found:
        groups.setdefault((one["way"], one["what"], one["nodes"]), []).append(one)
    return {
        key: {
            name: statistics.median(one[name] for one in group)
            for name in ("wall", "processor", "peak")
        }
        for key, group in groups.items()
    }


def further(medians: Medians, way: str, what: str, name: str) -> float:
    """What each further node adds."""
    return (medians[way, what, MANY][name] - medians[way, what, FEW][name]) / (MANY - FEW)


def ratio(medians: Medians, way: str, what: str) -> float:
    return medians[way, what, MANY]["wall"] / medians[way, what, FEW]["wall"]


def cells(medians: Medians, way: str, what: str) -> str:
    """A row of the table, from the times on."""
    few, many = medians[way, what, FEW], medians[way, what, MANY]
    return " | ".join([
        f"{few['wall']:.2f} s",
        f"{many['wall']:.2f} s",
        f"{ratio(medians, way, what):.2f}",
        f"{few['processor']:.2f} / {many['processor']:.2f} s",
        f"{further(medians, way, what, 'processor') * 1000:.1f} ms",
        f"{few['peak']:.1f} / {many['peak']:.1f} MiB",
    ])  # fmt: skip


def missed(medians: Medians) -> list[str]:
    """The commands that miss a target, and which."""
    found = []
    for what in COMMANDS:
        if ratio(medians, "command", what) > TARGET:
            found.append(f"{what} (time)")
        if further(medians, "command", what, "processor") * 1000 > PROCESSOR_TARGET:
            found.append(f"{what} (processor time)")
        if further(medians, "command", what, "peak") > MEMORY_TARGET:
            found.append(f"{what} (memory)")
    return found


def about() -> str:
    return f"""# A vSwitch for {MANY} nodes

Written by `make bench-distribute`: medians of {ROUNDS} rounds.
{os.cpu_count()} cores, Linux {os.uname().release.split("-")[0]}.
A real Ganeti master. A script is ssh, and answers for each node as node-apply does, each time
after {DELAY * 1000:g} ms. `add-switch` makes a vSwitch with a bond of two uplinks,
trunks and an MTU, `modify-switch` changes its trunks, first as a dry run, and `apply` then
has nothing to do.
"""


def conclusion(medians: Medians, bad: list[str]) -> str:
    processor = max(further(medians, "command", what, "processor") for what in COMMANDS) * 1000
    memory = max(further(medians, "command", what, "peak") for what in COMMANDS)
    return f"""A command may take {TARGET} times as long for {MANY} nodes as for {FEW}, and for each
further node {PROCESSOR_TARGET:g} ms of the master's processor time (it takes {processor:.1f}) and
{MEMORY_TARGET} MiB (it takes {memory:.2f}). Missed here: {", ".join(bad) or "nothing"}.

The distribution alone is what is left without the start of gnt-ovs, Ganeti's library and
its job. Processor time is that of gnt-ovs itself: what a real ssh needs comes to it.
"""


def main() -> int:
    medians = measured()
    lines = [f"| gnt-ovs {_HEAD}", "|---" * 7 + "|"]
    lines += [
        f"| {words[0]}{' --dry-run' * (what == 'dry run')} | {cells(medians, 'command', what)} |"
        for what, words in COMMANDS.items()
    ]
    lines += ["", f"| distribution alone {_HEAD}", "|---" * 7 + "|"]
    lines += [f"| {what} | {cells(medians, 'alone', what)} |" for what in COMMANDS]
    table = "\n".join(lines)
    print(table)
    bad = missed(medians)
    RESULT.write_text(f"{about()}\n{table}\n\n{conclusion(medians, bad)}")
    if bad:
        print(f"bench: missed: {', '.join(bad)}", file=sys.stderr)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
