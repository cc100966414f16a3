"""The distribution alone, in a process of its own: documents to nodes, and what it took.

Standard input: JSON with `ssh` (the program), `nodes` (node -> document) and `dry_run`.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from ganeti_ovs.master.distribute import distribute


def main() -> int:
    job = json.load(sys.stdin)

    def reach(node: str, command: str) -> list[str]:
        return [job["ssh"], f"root@{node}", command]

    started = time.monotonic()
    outcomes = distribute(job["nodes"], reach, dry_run=job["dry_run"])
    wall = time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/status") as file:
        (peak,) = (int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    result = {
        "wall": wall,
        "processor": usage.ru_utime + usage.ru_stime,
        "peak": peak / 1024,
        "changed": sum(bool(one.words) for one in outcomes.values()),
        "errors": [f"{one.node}: {one.error}" for one in outcomes.values() if not one.done],
    }
    json.dump(result, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
