"""What people are told of a cluster's network is what there is: verify, list-nics, show, apply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lab import Cluster
from tests.cluster.test_switches import ovs, unplugged
from tests.testbed.openvswitch import wait_until

SWITCH = ("add-switch", "br-data", "--uplink", "eth2", "--datapath-type", "netdev")
FIELDS = ("--no-headers", "--separator", "|", "-o")


def add(cluster: Cluster, name: str, *more: str) -> None:
    """A guest with two NICs, on node 2. It stays in its firmware."""
    cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
        "-n", "node2.lab", "-H", "kvm:kernel_path=,initrd_path=,boot_order=network",
        "--net", "0:link=br0,vlan=.100", "--net", "1:link=br-data,vlan=:10:20",
        "--tags", "ovs:nic:1:max_bandwidth:10M", *more, name,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def lab(cluster: Cluster) -> Iterator[None]:
    """br-data on all nodes, a guest that runs and one that does not."""
    ovs(cluster, *SWITCH)
    add(cluster, "s.lab")
    add(cluster, "t.lab", "--no-start")
    try:
        yield
    finally:
        for name in ("s.lab", "t.lab"):
            cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name, check=False)
        ovs(cluster, "remove-switch", "br-data")


def nics(cluster: Cluster, fields: str, *arguments: str, code: int = 0) -> list[str]:
    return ovs(cluster, "list-nics", *FIELDS, fields, *arguments, code=code).splitlines()


def tap(cluster: Cluster, index: int) -> str:
    (line,) = [one for one in nics(cluster, "nic,tap", "s") if one.startswith(f"{index}|")]
    return line.partition("|")[2]


def right(cluster: Cluster) -> None:
    """All of it, and exactly that."""
    assert ovs(cluster, "verify") == (
        "node1.lab: right (2 vSwitches, 0 guests' ports)\n"
        "node2.lab: right (2 vSwitches, 2 guests' ports)\n"
        "node3.lab: right (2 vSwitches, 0 guests' ports)\n"
    )


@contextmanager
def stopped(cluster: Cluster, node: int) -> Iterator[None]:
    """ovs-vswitchd hangs during the block."""
    pid = cluster.node(node).run("cat", "/run/openvswitch/ovs-vswitchd.pid").stdout.strip()
    cluster.node(node).run("kill", "-STOP", pid)
    try:
        yield
    finally:
        cluster.node(node).run("kill", "-CONT", pid)


def test_all_is_right(cluster: Cluster) -> None:
    right(cluster)
    assert nics(cluster, "instance,nic,node,switch,port_type,vlan,max_bandwidth,state") == [
        "s.lab|0|node2.lab|br0|access|.100|-|up",
        "s.lab|1|node2.lab|br-data|trunk|:10:20|-/10M (wanted 10M)|up",
        "t.lab|0|node2.lab|br0|access|.100|-|stopped",
        "t.lab|1|node2.lab|br-data|trunk|:10:20|10M|stopped",
    ]
    assert nics(cluster, "instance,nic", "-n", "node3") == []
    on_node2 = nics(cluster, "instance,nic", "-n", "node2", "-g", "default", "t")
    assert on_node2 == ["t.lab|0", "t.lab|1"]
    assert nics(cluster, "instance,nic", "--problems") == []
    (first, _) = json.loads(ovs(cluster, "list-nics", "--json", "-o", "mac,uuid,mtu,rx", "s"))
    config = next(one for one in cluster.config()["instances"].values() if one["name"] == "s.lab")
    assert (first["mac"], first["uuid"]) == tuple(config["nics"][0][one] for one in ("mac", "uuid"))
    assert first["mtu"] == "1500"
    assert ovs(cluster, "list-nics", "x", code=1) == "gnt-ovs: there is no instance x\n"
    shown = cluster.node(2).run("gnt-ovs", "show").stdout
    assert f"{tap(cluster, 0)}  s.lab NIC 0  access  .100" in shown
    assert "─ eth2  uplink, link up, MTU 1500\n" in shown
    assert cluster.node(2).run("gnt-ovs", "show", "br-none", check=False).returncode == 1


def test_a_port_that_was_changed_by_hand(cluster: Cluster) -> None:
    """Said by all, and healed by apply, which says what it does."""
    name = tap(cluster, 0)
    cluster.node(2).run("ovs-vsctl", "set", "port", name, "tag=200")
    cluster.node(2).run("ovs-vsctl", "del-port", tap(cluster, 1))
    out = ovs(cluster, "verify", code=1)
    differs = "its port is access .200, not access .100; gnt-ovs apply -n node2.lab"
    assert f"node2.lab: error: s.lab NIC 0 ({name}): {differs}\n" in out
    assert "has no port" in out
    assert out.count(": right (") == 2
    assert nics(cluster, "nic,switch,vlan,state", "--problems") == [
        "0|br0|.200 (wanted .100)|differs",
        "1|- (wanted br-data)|- (wanted :10:20)|no-port",
    ]
    report = json.loads(ovs(cluster, "verify", "-n", "node2", "--json", code=1))
    assert report["right"] is False
    (only,) = report["nodes"]
    assert {one["kind"] for one in only["problems"]} >= {"port-differs", "port-missing"}
    assert len(only["status"]["nics"]) == 2
    out = ovs(cluster, "apply", "--dry-run")
    assert "node2.lab: guests' ports\n  would have " in out
    out = ovs(cluster, "apply")
    assert out.count("nothing to do") == 3
    assert "node2.lab: guests' ports\n  " in out
    assert "worse" not in out
    right(cluster)
    assert "guests' ports" not in ovs(cluster, "apply")


@pytest.mark.rest
def test_dead_and_silent_nodes_hide_nothing(cluster: Cluster) -> None:
    cluster.node(1).run("ovs-vsctl", "set", "port", "eth2", "trunks=7")
    with unplugged(cluster, "m3"), stopped(cluster, 2):
        out = ovs(cluster, "verify", code=1)
        listed = nics(cluster, "instance,nic,state", "s", code=1)
        applied = ovs(cluster, "apply", code=1)
    lines = out.splitlines()
    assert all(len(line) <= 120 for line in lines), out
    assert "node1.lab: error: br-data: differs: eth2: trunks 7 -> unset; gnt-ovs apply" in lines
    assert any(one.startswith("node2.lab: error: ovs-vswitchd ") for one in lines), out
    assert any(one.startswith("node3.lab: error: its status is unknown: ") for one in lines), out
    assert "right" not in out
    assert listed[:2] == ["s.lab|0|unknown", "s.lab|1|unknown"]
    assert listed[2].startswith("gnt-ovs: node3.lab: its status is unknown: ")
    assert "node1.lab: changed\n" in applied
    assert "node3.lab: failed: " in applied
    wait_until(
        lambda: cluster.master.run("gnt-ovs", "verify", check=False).returncode == 0, "right again"
    )
    right(cluster)


@pytest.mark.rest
def test_wrong_tags(cluster: Cluster) -> None:
    """Of a guest that runs, which its node says, and of one that does not."""
    for name in ("s.lab", "t.lab"):
        cluster.gnt("instance", "add-tags", name, "ovs:nic:0:vlna:.5")
    try:
        out = ovs(cluster, "verify", code=1)
        assert "cluster: error: instance t.lab: tag ovs:nic:0:vlna:.5 is unknown (d" in out
        assert "instance s.lab" not in out
        assert "node2.lab: error: s.lab NIC 0 (" in out
        assert "ovs:nic:0:vlna:.5" in nics(cluster, "problems", "t")[0]
    finally:
        for name in ("s.lab", "t.lab"):
            cluster.gnt("instance", "remove-tags", name, "ovs:nic:0:vlna:.5")
    right(cluster)


@pytest.mark.rest
def test_what_a_change_makes_worse(cluster: Cluster) -> None:
    with unplugged(cluster, "t1.3"):
        out = ovs(cluster, "modify-switch", "br-data", "--uplink", "eth3", code=1)
        assert out.count(": changed\n") == 3
        assert (
            "worse than before:\n  node1.lab: error: br-data: no uplink has a link: eth3\n" in out
        )
        # It was so before.
        assert "worse" not in ovs(cluster, "modify-switch", "br-data", "--mcast-snooping", "yes")
        shown = json.loads(
            ovs(cluster, "modify-switch", "-n", "node2", "br-data", "--reset", "mtu", "--json")
        )
        assert shown["worse"] == []
    ovs(cluster, "modify-switch", "br-data", "--uplink", "eth2", "--reset", "mcast_snooping")
    right(cluster)
