"""Nodes come to what is kept for them: new ones, moved ones, and with another master."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.lab import Cluster
from tests.cluster.test_switches import NODES, ovs, unplugged, uplink

pytestmark = pytest.mark.rest

NEW = ("--datapath-type", "netdev", "--uplink", "eth2")


@pytest.fixture(scope="module", autouse=True)
def left(cluster: Cluster) -> Iterator[None]:
    """Only br0 is left, and it is nobody's."""
    yield
    for name in ovs(cluster, "list-switches", "--no-headers", "-o", "name").split():
        ovs(cluster, "remove-switch", name)
    for node in NODES:
        assert bridges(cluster, node) == {"br0"}


def bridges(cluster: Cluster, node: int) -> set[str]:
    return {row["name"] for row in cluster.rows(node)["Bridge"]}


def watcher(cluster: Cluster) -> None:
    """What cron does on the master every five minutes."""
    cluster.master.run("ganeti-watcher", "--ignore-pause")


def test_verify(cluster: Cluster) -> None:
    ovs(cluster, "add-switch", "br-data", *NEW, "--trunks", "100")
    assert ovs(cluster, "verify").count(": right (") == 3
    cluster.node(2).run("ovs-vsctl", "set", "port", "eth2", "trunks=100,200")
    out = ovs(cluster, "verify", code=1)
    assert "node2.lab: error: br-data: differs: eth2: trunks 100 200 -> 100; gnt-ovs apply\n" in out
    assert out.count(": right (") == 2
    report = json.loads(ovs(cluster, "verify", "-n", "node2.lab", "--json", code=1))
    assert [one["node"] for one in report["nodes"]] == ["node2.lab"]
    (problem,) = report["nodes"][0]["problems"]
    assert (problem["kind"], problem["subject"]) == ("differs", "br-data")
    done = cluster.master.run("gnt-cluster", "verify", check=False)
    assert "br-data: differs: eth2: trunks 100 200 -> 100; gnt-ovs apply" in done.stdout
    ovs(cluster, "apply")
    assert ovs(cluster, "verify").count(": right (") == 3
    done = cluster.master.run("gnt-cluster", "verify", check=False)
    assert "ganeti-ovs" not in done.stdout + done.stderr


def test_a_node_that_does_not_answer(cluster: Cluster) -> None:
    with unplugged(cluster, "m3"):
        out = ovs(cluster, "verify", code=1)
    assert "node3.lab: error: " in out
    assert out.count(": right (") == 2


def test_a_node_in_another_group(cluster: Cluster) -> None:
    """No hook tells of it; ganeti-watcher's call finds it."""
    cluster.gnt("group", "add", "rack2")
    try:
        ovs(cluster, "add-switch", "-g", "rack2", "br-rack2", "--datapath-type", "netdev")
        ovs(cluster, "modify-switch", "-g", "default", "-n", "node3.lab", "br-data",
            "--trunks", "100,300")  # fmt: skip
        cluster.gnt("group", "assign-nodes", "rack2", "node3.lab")
        assert bridges(cluster, 3) == {"br0", "br-data"}
        watcher(cluster)
        assert bridges(cluster, 3) == {"br0", "br-rack2"}
        out = ovs(cluster, "verify")
        assert "node group rack2: warning: br-data: node node3.lab has settings of its own" in out
        cluster.gnt("group", "assign-nodes", "default", "node3.lab")
        watcher(cluster)
        assert bridges(cluster, 3) == {"br0", "br-data"}
        assert uplink(cluster, 3)["trunks"] == [100, 300]
        ovs(cluster, "modify-switch", "-g", "default", "-n", "node3.lab", "br-data",
            "--reset", "trunks")  # fmt: skip
        ovs(cluster, "remove-switch", "-g", "rack2", "br-rack2")
    finally:
        cluster.gnt("group", "assign-nodes", "default", "node3.lab")
        cluster.gnt("group", "remove", "rack2")


def test_a_node_that_is_back(cluster: Cluster) -> None:
    cluster.gnt("node", "modify", "--offline=yes", "node3.lab")
    ovs(cluster, "modify-switch", "br-data", "--trunks", "100,400")
    assert uplink(cluster, 3)["trunks"] == [100]
    cluster.gnt("node", "modify", "--offline=no", "--force", "node3.lab")
    assert uplink(cluster, 3)["trunks"] == [100, 400]


def test_a_new_node(cluster: Cluster) -> None:
    cluster.gnt("node", "remove", "node3.lab")
    cluster.node(3).run("ovs-vsctl", "del-br", "br-data")
    cluster.node(3).run("rm", "/var/lib/ganeti-ovs/switches.json")
    cluster.gnt("node", "add", "--no-ssh-key-check", "node3.lab")
    assert uplink(cluster, 3)["trunks"] == [100, 400]


def test_another_master(cluster: Cluster) -> None:
    """A change there and back by it: what the first master has sent is no proof of what a node
    has."""
    third = cluster.node(3)
    trunks = uplink(cluster, 3)["trunks"]
    cluster.node(2).run("gnt-cluster", "master-failover", "--no-voting", "--yes-do-it", check=False)
    second = cluster.node(2)
    try:
        listed = second.run("gnt-ovs", "list-switches", "--no-headers", "-o", "name").stdout
        assert listed == "br-data\n"
        out = second.run("gnt-ovs", "modify-switch", "br-data", "--trunks", "100,800").stdout
        assert out.count(": changed\n") == 3
        assert all(uplink(cluster, node)["trunks"] == [100, 800] for node in NODES)
        assert "not the master" in ovs(cluster, "apply", code=1)
        kept = third.run("cat", "/var/lib/ganeti-ovs/switches.json").stdout
        words = ",".join(map(str, trunks))
        second.run("gnt-ovs", "modify-switch", "br-data", "--trunks", words)
        assert all(uplink(cluster, node)["trunks"] == trunks for node in NODES)
        assert second.run("gnt-ovs", "verify").stdout.count(": right (") == 3
        # The node is set back to what it had in between, as from a backup.
        third.run("ovs-vsctl", "set", "Port", "eth2", "trunks=100,800")
        third.run("sh", "-c", 'printf %s "$0" >/var/lib/ganeti-ovs/switches.json', kept.strip())
    finally:
        cluster.master.run("gnt-cluster", "master-failover")
    assert uplink(cluster, 3)["trunks"] == [100, 800]
    done = cluster.master.run("gnt-cluster", "verify", check=False)
    assert "node node3.lab does not have its vSwitches (it has others, or none)" in done.stdout
    watcher(cluster)
    assert uplink(cluster, 3)["trunks"] == trunks
    assert ovs(cluster, "verify").count(": right (") == 3
    done = cluster.master.run("gnt-cluster", "verify", check=False)
    assert "ganeti-ovs" not in done.stdout + done.stderr


def test_who_has_tried_in_vain_says_so_to_any_master(cluster: Cluster) -> None:
    """The node remembers it itself, and is left alone."""
    third = cluster.node(3)
    right = uplink(cluster, 3)["trunks"]
    third.run("ovs-vsctl", "set", "Port", "eth2", "trunks=5")
    text = third.run("cat", "/var/lib/ganeti-ovs/switches.json").stdout.strip()
    # As the master does, but nobody confirms; and then it keeps nothing any more.
    done = third.run(
        "sh", "-c", 'printf "%s\nno\n" "$0" | gnt-ovs node-apply --json --confirm 30', text,
        check=False,
    )  # fmt: skip
    assert '"confirmed":false' in done.stdout.replace(" ", "")
    third.run("rm", "/var/lib/ganeti-ovs/switches.json")
    cluster.master.run("rm", "-f", "/var/lib/ganeti-ovs/sent.json")
    watcher(cluster)
    assert uplink(cluster, 3)["trunks"] == [5]
    done = cluster.master.run("gnt-cluster", "verify", check=False)
    assert "node node3.lab does not have its vSwitches (not confirmed within 30 s)" in done.stdout
    ovs(cluster, "apply")
    assert uplink(cluster, 3)["trunks"] == right
    assert ovs(cluster, "verify").count(": right (") == 3
