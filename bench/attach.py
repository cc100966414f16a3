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
from collections.abc import Callable, Sequence
from pathlib import Path

from ganeti_ovs.cluster.environment import nic_of, said_in
from ganeti_ovs.model.operations import (
    Insert,
    Mutate,
    Mutation,
    Operation,
    Operations,
    Where,
)
from ganeti_ovs.model.rows import Named
from ganeti_ovs.model.taprows import TapRows
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.ovsdb.decode import Reply
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.plan import port as plan
from tests.captured import CAPTURED
from tests.testbed.namespace import prepare
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import KVM_IFUP, Product
from tests.testbed.tap import Tap

SIZES = (10, 100, 1000, 5000)
DATABASE_ROUNDS = 301
DATABASE_WARM_UP = 50
ROUNDS = {10: 41, 100: 41, 1000: 21, 5000: 15}
TARGETS = {10: 0.95, 100: 0.80, 1000: 0.45, 5000: 0.36}
"""The most that our way may take, as a share of stock's time."""
DATABASE_TARGET = 1.2
"""How much more than the shortest transaction our database part may grow from 10 to 5000 ports.

NOTE: every transaction that adds a port grows, whoever sends it: ovsdb-server copies and
compares the Bridge row's whole set of ports, some 0.1 ms at 5000.
"""
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
        operations: Operations = []
        for name in names:
            port = {"name": name, "interfaces": frozenset({Named(f"i{name}")}), "tag": 7}
            operations += [
                Insert("Interface", f"i{name}", {"name": name}),
                Insert("Port", f"p{name}", port),
            ]
        new = frozenset(Named(f"p{name}") for name in names)
        where = Where("name", "br0")
        operations.append(Mutate("Bridge", where, (Mutation("ports", "insert", new),)))
        with Client(str(ovs.socket)) as client:
            client.transact(operations)


def make_taps(have: int, want: int) -> None:
    """The taps behind these ports."""
    batch = "".join(f"tuntap add dev b{number} mode tap\n" for number in range(have, want))
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)


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


def database_parts() -> dict[int, tuple[float, float]]:
    """Medians in ms by the number of ports, with ovsdb-server alone: our database part, shortest.

    Ours is connect, lock, monitor and commit. The shortest is one connection with one
    transaction that does no more than insert the rows: what any client must pay.
    ovs-vswitchd, whose own work grows with the ports, is not running.
    """
    operations = plan.attach(nic_of(said_in(CALL)))
    shortest = [one for one in operations if isinstance(one, Insert | Mutate)]
    medians = {}
    with OpenVSwitch() as ovs:
        ovs.add_bridge("br0")
        ovs.stop_vswitchd()
        have = 0
        for size in SIZES:
            fill(ovs, have, size)
            have = size
            ours, least = [], []
            for _ in range(DATABASE_WARM_UP + DATABASE_ROUNDS):
                started = time.perf_counter()
                with Session(str(ovs.socket), CALL["INTERFACE"], 60) as session:
                    results, _cfg = session.commit(operations)
                    ours.append((time.perf_counter() - started) * 1000)
                    session.commit(plan.detach(inserted(operations, results)))
                started = time.perf_counter()
                with Client(str(ovs.socket)) as client:
                    results = client.transact(shortest)
                    least.append((time.perf_counter() - started) * 1000)
                    client.transact(plan.detach(inserted(shortest, results)))
            medians[size] = (
                statistics.median(ours[DATABASE_WARM_UP:]),
                statistics.median(least[DATABASE_WARM_UP:]),
            )
    return medians


def inserted(operations: Sequence[Operation], results: list[Reply]) -> TapRows:
    """The port that these operations have made, known without reading the database again."""
    rows = {
        operation.table: result.uuid
        for operation, result in zip(operations, results)
        if isinstance(operation, Insert) and result.uuid
    }
    tap = CALL["INTERFACE"]
    return TapRows(
        tap=tap,
        port=rows["Port"],
        port_name=tap,
        interface_type="",
        interfaces=frozenset({rows["Interface"]}),
        marked=True,
        iface_id="",
        qos=(),
        queues=(),
    )


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
                ovs.wait_idle()
                times[way].append(timed(ways[way]))
                ovs.vsctl("del-port", CALL["INTERFACE"])
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
                ovs.wait_idle()
                have = size
                rows.append((size, *measure(ovs, product, size), database[size]))
            version = ovs.vsctl("--version").splitlines()[0]
    progress("")
    return report(rows, version)


def report(rows: list[tuple[int, float, float, tuple[float, float]]], version: str) -> int:
    """Print the table, keep it, and return 1 if a target was missed."""
    lines = [
        "| ports already there | stock | ganeti-ovs | ratio | at most"
        " | database part | shortest transaction |",
        "|---|---|---|---|---|---|---|",
    ]
    missed = False
    for size, ours, stock, (database, shortest) in rows:
        ratio = ours / stock
        missed |= ratio > TARGETS[size]
        lines.append(
            f"| {size} | {stock:.1f} ms | {ours:.1f} ms | {ratio:.2f} | {TARGETS[size]:.2f}"
            f" | {database:.3f} ms | {shortest:.3f} ms |"
        )
    growth, least = (rows[-1][3][i] / rows[0][3][i] for i in (0, 1))
    missed |= growth > DATABASE_TARGET * least
    lines += [
        "",
        f"Database part (ovsdb-server alone: connect, lock, monitor, commit), {rows[-1][0]} ports",
        f"against {rows[0][0]}: {growth:.2f} times. The shortest transaction that adds a port:"
        f" {least:.2f} times. Ours may",
        f"grow {DATABASE_TARGET:.1f} times as much as that.",
    ]
    machine = f"{os.cpu_count()} cores, Linux {os.uname().release.split('-')[0]}, {version}"
    table = "\n".join(lines)
    print(table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        "# Attaching one tap\n\n"
        "Written by `make bench`: Ganeti's own kvm-ifup, start to exit, port applied; medians.\n"
        f"{machine},\n"
        "userspace datapath, a real tap behind every port, ovs-vswitchd idle before each call.\n"
        "Only the ratios mean something elsewhere.\n\n" + table + "\n"
    )
    if missed:
        print("bench: a target was missed", file=sys.stderr)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
