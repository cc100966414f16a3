"""make bench: attaching one tap, against stock Ganeti, with 10 to 5000 ports already there.

Both ways are timed as Ganeti goes them, start to exit of its own kvm-ifup: with our
kvm-vif-bridge, and without any, so that its built-in set-up runs. The two take turns on
the same Open vSwitch, so whatever else the machine does hits both. What counts are the
ratios of the medians; the last result is kept in docs/benchmarks/attach.md.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ganeti_ovs.cluster.environment import nic_from_environment
from ganeti_ovs.ovsdb import ports
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.plan import port as plan
from ganeti_ovs.plan.wire import insert
from tests.captured import CAPTURED
from tests.testbed.namespace import prepare, run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import KVM_IFUP, Product
from tests.testbed.tap import Tap

SIZES = (10, 100, 1000, 5000)
DATABASE_ROUNDS = 101
ROUNDS = {10: 41, 100: 41, 1000: 15, 5000: 9}
TARGETS = {10: 0.95, 100: 0.80, 1000: 0.45, 5000: 0.36}
"""The most that our way may take, as a share of stock's time."""
DATABASE_TARGET = 1.2
"""The most that the database part may take with 5000 ports, as a multiple of that with 10."""
BATCH = 500
CALL = CAPTURED["02-node1-inst1.lab-tap1"]
RESULT = Path(__file__).parents[1] / "docs" / "benchmarks" / "attach.md"


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def fill(ovs: OpenVSwitch, have: int, want: int) -> None:
    """Give br0 more ports, from `have` to `want`, in few transactions."""
    for first in range(have, want, BATCH):
        names = [f"b{number}" for number in range(first, min(first + BATCH, want))]
        operations: list[dict[str, object]] = []
        for name in names:
            port: dict[str, object] = {
                "name": name,
                "interfaces": ["named-uuid", f"i{name}"],
                "tag": 7,
            }
            operations += [
                insert("Interface", f"i{name}", {"name": name}),
                insert("Port", f"p{name}", port),
            ]
        new = ["set", [["named-uuid", f"p{name}"] for name in names]]
        where = [["name", "==", "br0"]]
        mutation = [["ports", "insert", new]]
        operations.append(
            {"op": "mutate", "table": "Bridge", "where": where, "mutations": mutation}
        )
        with Client(str(ovs.socket)) as client:
            client.transact(operations)


def make_taps(have: int, want: int) -> None:
    """The taps behind these ports."""
    batch = "".join(f"tuntap add dev b{number} mode tap\n" for number in range(have, want))
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)


def settle(ovs: OpenVSwitch) -> None:
    """Wait until ovs-vswitchd has nothing left to do."""
    run("ovs-vsctl", f"--db=unix:{ovs.socket}", "--timeout=300", "set", "Open_vSwitch", ".",
        "external_ids:settled=1")  # fmt: skip


def timed(what: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    what()
    return (time.perf_counter() - started) * 1000


def script(environ: dict[str, str]) -> Callable[[], object]:
    def call() -> None:
        subprocess.run(
            [KVM_IFUP], env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
        )

    return call


def database_parts() -> dict[int, float]:
    """Medians in ms of connect, lock and commit, by the number of ports: ovsdb-server alone.

    ovs-vswitchd, whose own work grows with the ports, is not running.
    """
    nic = nic_from_environment(CALL)
    operations = plan.attach(nic)
    medians = {}
    with OpenVSwitch() as ovs:
        ovs.add_bridge("br0")
        ovs.stop_vswitchd()
        have = 0
        for size in SIZES:
            fill(ovs, have, size)
            have = size
            times = []
            for _ in range(DATABASE_ROUNDS):
                started = time.perf_counter()
                with Session(str(ovs.socket), nic.tap, 60) as session:
                    session.commit(operations)
                    times.append((time.perf_counter() - started) * 1000)
                    found = ports.find(session, nic.tap)
                    assert found is not None
                    session.commit(plan.detach(found))
            medians[size] = statistics.median(times)
    return medians


def measure(ovs: OpenVSwitch, product: Product, size: int) -> tuple[float, float]:
    """Medians in ms: ours, stock."""
    environ = {**CALL, **ovs.environ, "GANETI_OVS_TIMEOUT": "60"}
    ways = {
        "ours": script({**environ, "SYSCONFDIR": str(product.etc)}),
        "stock": script({**environ, "SYSCONFDIR": str(product.root / "none")}),
    }
    times: dict[str, list[float]] = {"ours": [], "stock": []}
    for number in range(ROUNDS[size]):
        progress(f"{size} ports, round {number + 1} of {ROUNDS[size]}")
        for way in list(ways) if number % 2 else list(ways)[::-1]:
            with Tap(CALL["INTERFACE"]):
                settle(ovs)
                times[way].append(timed(ways[way]))
                ovs.vsctl("del-port", CALL["INTERFACE"])
            settle(ovs)
    return statistics.median(times["ours"]), statistics.median(times["stock"])


def main() -> int:
    prepare()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows = []
    with tempfile.TemporaryDirectory(prefix="ganeti-ovs-bench-") as directory:
        product = Product(Path(directory))
        database = database_parts()
        with OpenVSwitch() as ovs:
            ovs.add_bridge("br0")
            wait_until(lambda: "br0" in ovs.vsctl("list-br"), "the bridge")
            have = 0
            for size in SIZES:
                progress(f"{size} ports: making them")
                make_taps(have, size)
                fill(ovs, have, size)
                settle(ovs)
                have = size
                rows.append((size, *measure(ovs, product, size), database[size]))
            version = ovs.vsctl("--version").splitlines()[0]
    progress("")
    return report(rows, version)


def report(rows: list[tuple[int, float, float, float]], version: str) -> int:
    """Print the table, keep it, and return 1 if a target was missed."""
    lines = [
        "| ports already there | stock | ganeti-ovs | ratio | at most | database part |",
        "|---|---|---|---|---|---|",
    ]
    missed = False
    for size, ours, stock, database in rows:
        ratio = ours / stock
        missed |= ratio > TARGETS[size]
        lines.append(
            f"| {size} | {stock:.1f} ms | {ours:.1f} ms | {ratio:.2f} | {TARGETS[size]:.2f}"
            f" | {database:.2f} ms |"
        )
    growth = rows[-1][3] / rows[0][3]
    missed |= growth > DATABASE_TARGET
    lines += [
        "",
        f"Database part, {rows[-1][0]} ports against {rows[0][0]}: {growth:.2f} times"
        f" (at most {DATABASE_TARGET:.1f}).",
    ]
    machine = f"{os.cpu_count()} cores, Linux {os.uname().release.split('-')[0]}, {version}"
    table = "\n".join(lines)
    print(table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        "# Attaching one tap\n\n"
        "Written by `make bench`: Ganeti's own kvm-ifup, start to exit, port applied; medians.\n"
        f"{machine}, userspace datapath, a real tap behind every port. Only the ratios mean\n"
        "something elsewhere.\n\n" + table + "\n"
    )
    if missed:
        print("bench: a target was missed", file=sys.stderr)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
