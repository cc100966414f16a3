"""make bench-hooks: the processor time of a hook, before and after an operation.

They run twice in every job on every node. What counts is what they take more than `python3 -I -c
pass`, and that it does not grow with the cluster on a node where no guest runs.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.attach import progress
from tests.captured import DIRECTORY, environment
from tests.testbed.namespace import prepare
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

ROUNDS = 21
SIZES = (10, 10_000)
"""Instances of the cluster."""
TARGET = 30.0
"""Milliseconds of processor time, more than the interpreter's own, at most."""
FLAT = 1.2
"""How much more a hook may take in the large cluster than in the small one."""
HOOKS = ("instance-modify-pre", "instance-stop-post")


def configuration(count: int) -> str:
    """Ganeti's config.data with so many instances, each of the size that it has there."""
    nic = {"mac": "aa:00:00:00:00:00", "nicparams": {"mode": "openvswitch", "link": "br0"}}
    instances = {
        f"{number:08x}-0000-4000-8000-000000000000": {
            "name": f"inst{number}.example.com",
            "primary_node": "n" * 36,
            "hvparams": {"kernel_path": "/boot/vmlinuz", "serial_console": True},
            "nics": [
                {**nic, "uuid": f"{number:08x}-0000-4000-8000-{index:012x}"} for index in (0, 1)
            ],
            "disks": ["d" * 36],
            "osparams": {"image": "x" * 500},
            "tags": ["web", "ovs:nic:*:max_bandwidth:1G"],
        }
        for number in range(count)
    }
    return json.dumps({"version": 3000000, "instances": instances, "networks": {}})


def spent(command: list[str], environ: dict[str, str]) -> float:
    """Milliseconds of processor time, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, cwd="/", stdin=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def measure(ovs: OpenVSwitch, product: Product) -> dict[str, float]:
    """Medians by the hook's name; `nothing` is the interpreter alone. They take turns."""
    here = {"GANETI_INSTANCE_PRIMARY": socket.gethostname(), **ovs.environ}
    times: dict[str, list[float]] = {"nothing": [], **{name: [] for name in HOOKS}}
    for number in range(ROUNDS):
        progress(f"round {number + 1} of {ROUNDS}")
        times["nothing"].append(spent(["/usr/bin/python3", "-I", "-c", "pass"], here))
        for name in HOOKS:
            path = product.etc / "ganeti" / "hooks" / f"{name}.d" / "50-ovs"
            environ = {**environment(DIRECTORY / "hooks" / f"{name}.env"), **here}
            times[name].append(spent([str(path)], environ))
    return {name: statistics.median(some) for name, some in times.items()}


def main() -> int:
    prepare()
    missed = False
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="ganeti-ovs-bench-") as directory, OpenVSwitch() as ovs:
        product = Product(Path(directory))
        ovs.add_bridge("br0")
        path = Path(ovs.environ["LOCALSTATEDIR"]) / "lib" / "ganeti" / "config.data"
        path.parent.mkdir(parents=True, exist_ok=True)
        for size in SIZES:
            path.write_text(configuration(size))
            found[size] = measure(ovs, product)
    progress("")
    print("| instances | interpreter | hook | more | at most |\n|---|---|---|---|---|")
    for size, medians in found.items():
        nothing = medians["nothing"]
        for name in HOOKS:
            more = medians[name] - nothing
            grown = medians[name] / found[SIZES[0]][name]
            missed |= more > TARGET or grown > FLAT
            print(f"| {size} | {nothing:.1f} ms | {name} | {more:.1f} ms | {TARGET:.0f} ms |")
    print(f"{os.cpu_count()} cores, no guest runs on the node; medians of {ROUNDS}")
    if missed:
        print("bench: a target was missed", file=sys.stderr)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
