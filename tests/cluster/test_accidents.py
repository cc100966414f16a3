"""What goes wrong half-way: Ganeti runs no hook then, and nothing may stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster

pytestmark = pytest.mark.rest

GUESTS: dict[str, Guest] = {}
SCRIPT = "/etc/ganeti/kvm-vif-bridge.local"


@pytest.fixture(scope="module", autouse=True)
def guest(cluster: Cluster) -> Iterator[None]:
    """One guest with three NICs, on node 2. It stays in its firmware."""
    vlans = [".100", ":10:20", ".200"]
    nics = [
        word
        for index, vlan in enumerate(vlans)
        for word in ("--net", f"{index}:link=br0,vlan={vlan}")
    ]
    cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
        "-n", "node2.lab", "-H", "kvm:kernel_path=,initrd_path=,boot_order=network",
        "--tags", "ovs:nic:1:max_bandwidth:10M", *nics, "m.lab",
    )  # fmt: skip
    GUESTS["m.lab"] = Guest(2, vlans, {1: 10**7})
    check(cluster, GUESTS)
    yield
    cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", "m.lab")
    GUESTS.clear()
    check(cluster, GUESTS)


@contextmanager
def own_script(cluster: Cluster, node: int, text: str) -> Iterator[None]:
    """An administrator's own script beside ours on that node."""
    box = cluster.node(node)
    box.run("sh", "-c", f"cat >{SCRIPT}; chmod 755 {SCRIPT}", stdin=f"#!/bin/sh\n{text}\n")
    try:
        yield
    finally:
        box.run("rm", SCRIPT)


def migrate(cluster: Cluster, node: int) -> str:
    return cluster.gnt(
        "instance", "migrate", "--force", "-n", f"node{node}.lab", "m.lab", check=False
    )


def test_migration_whose_second_nic_fails(cluster: Cluster) -> None:
    with own_script(cluster, 3, '[ "$INTERFACE_INDEX" != 2 ]'):
        out = migrate(cluster, 3)
    assert "Could not pre-migrate" in out
    check(cluster, GUESTS)
    cluster.gnt("instance", "migrate", "--force", "--cleanup", "m.lab")
    check(cluster, GUESTS)


def test_migration_whose_target_dies(cluster: Cluster) -> None:
    """qemu ends after all its ports are there; ganeti-watcher's next run removes them."""
    target = cluster.node(3)
    # In the last NIC's turn; qemu starts when the scripts have run.
    killer = "timeout 30 sh -c \"until pkill -KILL -f '[-]incoming'; do sleep 0.02; done\""
    hand_over = f'[ "$INTERFACE_INDEX" = 2 ] || exit 0\nsetsid {killer} >/dev/null 2>&1 &'
    with own_script(cluster, 3, hand_over):
        out = migrate(cluster, 3)
    assert "Could not pre-migrate" in out or "Could not migrate" in out, out
    left = [row for row in cluster.rows(3)["Port"] if row["name"].startswith("tap")]
    assert left, "the target died too early to leave anything"
    target.run("ganeti-watcher", "--ignore-pause")
    cluster.gnt("instance", "migrate", "--force", "--cleanup", "m.lab", check=False)
    check(cluster, GUESTS)
    cluster.gnt("instance", "migrate", "--force", "-n", "node3.lab", "m.lab")
    GUESTS["m.lab"].node = 3
    check(cluster, GUESTS)


def test_node_rebooted(cluster: Cluster) -> None:
    """Open vSwitch's database survives; guests, taps and all of /run do not."""
    cluster.node(3).run(
        "sh", "-c",
        "pkill -KILL qemu; kill $(cat /run/openvswitch/ovs-vswitchd.pid)"
        " $(cat /run/openvswitch/ovsdb-server.pid); sleep 1;"
        "rm -rf /var/run/ganeti/kvm-hypervisor /var/run/ganeti-ovs;"
        "ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile"
        " --detach --no-chdir; ovs-vswitchd --disable-system --pidfile --detach --no-chdir"
        " --log-file=/dev/null",
    )  # fmt: skip
    GUESTS["m.lab"].node = 0
    unit = cluster.node(3).run("cat", "/usr/lib/systemd/system/ganeti-ovs.service").stdout
    (start,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    done = cluster.node(3).run(*start.partition("=")[2].split())
    assert done.stdout.count("removed tap") == 3
    check(cluster, GUESTS)
    cluster.gnt("instance", "start", "m.lab")
    GUESTS["m.lab"].node = 3
    check(cluster, GUESTS)
