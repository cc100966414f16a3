"""make bench-reconcile: a node with 1000 NICs restored after its database was lost.

`gnt-ovs reconcile` with 50 guests (real qemus, Ganeti's runtime files) and an empty database,
against 1000 calls of stock Ganeti's network script, one after the other, on the same Open vSwitch.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.attach import RESULT as ATTACH_RESULT
from bench.attach import progress
from tests.captured import ACCESS
from tests.testbed.guests import Guests
from tests.testbed.namespace import prepare
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import KVM_IFUP, Product

COUNT = 1000
EACH = 20
TARGET = 0.05
"""The most that reconcile may take, as a share of the time of the stock calls."""
RESULT = ATTACH_RESULT.with_name("reconcile.md")


def guests_nics() -> list[list[dict[str, str]]]:
    """By guest: each is a qemu, which has room for so many NICs."""
    tags = " ".join(f"ovs:nic:{index}:max_bandwidth:100M" for index in range(1, EACH, 2))
    return [
        [
            {
                **ACCESS,
                "INSTANCE": f"inst{first // EACH}.lab",
                "INTERFACE": f"tap{number}",
                "INTERFACE_INDEX": str(number - first),
                "INTERFACE_UUID": f"{number:08x}-5995-403d-8ac7-475db57bbb6f",
                "TAGS": tags,
                "VLAN": f".{number + 1}",
            }
            for number in range(first, first + EACH)
        ]
        for first in range(0, COUNT, EACH)
    ]


def nics() -> list[dict[str, str]]:
    return [nic for guest in guests_nics() for nic in guest]


def restored(ovs: OpenVSwitch, product: Product) -> float:
    """Seconds of `gnt-ovs reconcile`, all ports applied."""
    started = time.monotonic()
    done = subprocess.run(
        [product.gnt_ovs, "reconcile"],
        env={**ovs.environ, "GANETI_OVS_TIMEOUT": "300"},
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.monotonic() - started
    assert done.stdout.count("attached tap") == COUNT, done.stdout[-500:] + done.stderr
    interfaces = [row for row in ovs.rows("Interface") if row["name"].startswith("tap")]
    assert sum(row["ofport"][0] > 0 for row in interfaces) == COUNT
    return took


def stock(ovs: OpenVSwitch, directory: str) -> float:
    """Seconds of as many calls of Ganeti's own script."""
    started = time.monotonic()
    for number, nic in enumerate(nics()):
        progress(f"stock call {number + 1} of {COUNT}")
        subprocess.run(
            [KVM_IFUP],
            env={**nic, **ovs.environ, "SYSCONFDIR": f"{directory}/none"},
            stderr=subprocess.DEVNULL,
            check=True,
        )
    return time.monotonic() - started


def main() -> int:
    prepare()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="ganeti-ovs-bench-") as directory:
        product = Product(Path(directory))
        with OpenVSwitch() as ovs:
            ovs.add_bridge("br0")
            guests = Guests(ovs.dir / "var")
            try:
                for guest in guests_nics():
                    guests.start(guest[0]["INSTANCE"], *guest)
                guests.configuration(*nics())
                ovs.wait_idle()
                ours = restored(ovs, product)
                ovs.vsctl("del-br", "br0")
                ovs.add_bridge("br0")
                ovs.wait_idle()
                theirs = stock(ovs, directory)
                version = ovs.vsctl("--version").splitlines()[0]
            finally:
                guests.close()
    progress("")
    table = (
        "| | time | ratio |\n|---|---|---|\n"
        f"| stock Ganeti, {COUNT} calls | {theirs:.1f} s | 1 |\n"
        f"| gnt-ovs reconcile | {ours:.1f} s | {ours / theirs:.3f} (at most {TARGET}) |"
    )
    print(table)
    machine = f"{os.cpu_count()} cores, Linux {os.uname().release.split('-')[0]}, {version}"
    RESULT.write_text(
        "# A lost database, 1000 NICs\n\nWritten by `make bench-reconcile`. The limits of every\n"
        "second NIC are restored, too; stock has none.\n"
        f"{machine}, userspace datapath.\n\n{table}\n"
    )
    if ours / theirs > TARGET:
        print("bench: the target was missed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
