"""A change of vSwitches that is cut off: the command, the node, ssh, or the path by the change."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.box import Box
from tests.cluster.lab import Cluster
from tests.cluster.test_converge import NEW, bridges, watcher
from tests.cluster.test_switches import NODES, ovs, uplink
from tests.testbed.openvswitch import wait_until
from tests.testbed.rounds import chances, rounds

pytestmark = pytest.mark.rest


@pytest.fixture(scope="module", autouse=True)
def data(cluster: Cluster) -> Iterator[None]:
    """The vSwitch br-data on all nodes."""
    ovs(cluster, "add-switch", "br-data", *NEW, "--trunks", "100")
    yield
    ovs(cluster, "remove-switch", "-g", "default", "br-data")
    for node in NODES:
        assert bridges(cluster, node) == {"br0"}


@contextmanager
def command(node: Box, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """gnt-ovs in the background; signals reach it itself."""
    process = subprocess.Popen(
        ["nsenter", "-t", str(node.pid), "--mount", "--net", "--uts", "--ipc", "--root",
         "--wdns=/root", "--", "/usr/bin/env", "-i", "HOME=/root", "USER=root",
         "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "gnt-ovs", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_killed_at_any_moment(cluster: Cluster) -> None:
    """The command, with a signal that nobody can catch; `apply` puts it right.

    The moments are shares of what a whole change takes, between the first and the last one by
    chance: at the first one nothing has been stored, at the last one it has.
    """
    chance = chances()
    shares = [0.05, *(chance.uniform(0.05, 0.9) for _ in rounds(3)), 0.9]
    started = time.monotonic()
    ovs(cluster, "modify-switch", "br-data", "--trunks", "100,499")
    whole = time.monotonic() - started
    stored = []
    for number, share in enumerate(shares):
        with command(
            cluster.master, "modify-switch", "br-data", "--trunks", f"100,{500 + number}"
        ) as process:
            time.sleep(share * whole)
            process.send_signal(signal.SIGKILL)
            process.wait()
        ovs(cluster, "apply")
        (text,) = ovs(cluster, "list-switches", "--no-headers", "-o", "trunks").split()
        vlans = [int(word) for word in text.split(",")]
        stored.append(500 + number in vlans)
        assert all(uplink(cluster, node)["trunks"] == vlans for node in NODES)
        assert ovs(cluster, "verify").count(": right (") == 3
    print(f"stored before the command was killed: {stored} (a whole change took {whole:.1f} s)")
    assert not stored[0]
    assert stored[-1]
    for node in NODES:
        tags = cluster.gnt("group", "list-tags", "default")
        assert tags.count("ovs:revision:") == 1
        assert len(cluster.rows(node)["Bridge"]) == 2


def test_a_node_dies_in_between(cluster: Cluster) -> None:
    """Its Open vSwitch, and with it the change; the others have theirs."""
    cluster.node(2).run("sh", "-c", "kill -9 $(cat /run/openvswitch/ovs-vswitchd.pid)")
    out = ovs(cluster, "modify-switch", "br-data", "--trunks", "100,600", code=1)
    assert "node2.lab: failed: " in out
    assert "everything is as it was" in out or "put back" in out
    cluster.node(2).run(
        "ovs-vswitchd", "--disable-system", "--pidfile", "--detach", "--no-chdir",
        "--log-file=/var/log/openvswitch/ovs-vswitchd.log", "-vconsole:off",
    )  # fmt: skip
    ovs(cluster, "apply")
    assert all(uplink(cluster, node)["trunks"] == [100, 600] for node in NODES)


@contextmanager
def stopped_when_changed(cluster: Cluster, node: int, vlan: int) -> Iterator[None]:
    """A modify-switch that is stopped as soon as the node has the VLAN, until the block ends."""
    with command(cluster.master, "modify-switch", "br-data", "--trunks", f"100,{vlan}") as process:
        wait_until(lambda: vlan in uplink(cluster, node)["trunks"], "the change")
        process.send_signal(signal.SIGSTOP)
        yield
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 1, out
        assert f"node{node}.lab: failed: " in out


def test_ssh_is_cut_before_the_confirmation(cluster: Cluster) -> None:
    with stopped_when_changed(cluster, 3, 700):
        link = ["nsenter", "-t", str(cluster.boxes[0].pid), "--net", "ip", "link", "set", "m3"]
        subprocess.run([*link, "down"], check=True)
    try:
        wait_until(lambda: uplink(cluster, 3)["trunks"] == [100, 600], "taken back", 40)
    finally:
        subprocess.run([*link, "up"], check=True)
    assert all(uplink(cluster, node)["trunks"] == [100, 700] for node in (1, 2))
    # What was taken back does not come again by itself.
    watcher(cluster)
    assert uplink(cluster, 3)["trunks"] == [100, 600]
    assert "node3.lab" in cluster.master.run("gnt-cluster", "verify", check=False).stdout
    ovs(cluster, "apply")
    assert uplink(cluster, 3)["trunks"] == [100, 700]


def test_a_change_that_breaks_the_path(cluster: Cluster) -> None:
    """The node's own address is on a vSwitch whose uplink is exchanged for a dead cable."""
    node = cluster.node(3)
    for box in cluster.boxes[1:]:
        # The userspace datapath does not complete checksums that were left to the device.
        box.run("ethtool", "-K", "eth0", "tx", "off")
    node.run("ip", "link", "set", "eth3", "up")
    node.run(
        "ovs-vsctl", "add-br", "br-mgmt", "--", "set", "bridge", "br-mgmt", "datapath_type=netdev",
        "--", "add-port", "br-mgmt", "eth0",
    )  # fmt: skip
    node.run("sh", "-ec", "ip addr flush dev eth0; ip addr add 10.77.0.13/24 dev br-mgmt;"
             "ip link set br-mgmt up")  # fmt: skip
    cluster.gnt("group", "add", "rack2")
    cluster.gnt("group", "assign-nodes", "rack2", "node3.lab")
    try:
        ovs(cluster, "add-switch", "-g", "rack2", "br-mgmt", "--datapath-type", "netdev",
            "--uplink", "eth0")  # fmt: skip
        assert uplink(cluster, 3, "br-mgmt")["members"] == ["eth0"]
        out = ovs(cluster, "modify-switch", "-g", "rack2", "br-mgmt", "--uplink", "eth3", code=1)
        # The master hears of it only when the node has taken it back.
        error = "did not keep the change: not confirmed within 30 s; everything is as it was before"
        assert out == f"node3.lab: failed: {error}\n"
        assert uplink(cluster, 3, "br-mgmt")["members"] == ["eth0"]
        ovs(cluster, "modify-switch", "-g", "rack2", "br-mgmt", "--uplink", "eth0")
        assert "node3.lab: right" in ovs(cluster, "verify", "-g", "rack2")
        refused = ovs(cluster, "remove-switch", "-g", "rack2", "br-mgmt", code=1)
        assert "carries the node's address 10.77.0.13" in refused
    finally:
        node.run("sh", "-c", "ip addr flush dev br-mgmt; ovs-vsctl del-br br-mgmt;"
                 "ip addr add 10.77.0.13/24 dev eth0; ip link set eth0 up;"
                 "arping -q -c 2 -A -I eth0 10.77.0.13")  # fmt: skip
    ovs(cluster, "remove-switch", "-g", "rack2", "br-mgmt")
    cluster.gnt("group", "assign-nodes", "default", "node3.lab")
    cluster.gnt("group", "remove", "rack2")
    ovs(cluster, "apply", "-n", "node3.lab")
