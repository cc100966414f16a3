"""vSwitches of a node group: made, changed under traffic and removed on three real nodes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster
from tests.cluster.test_life import booted, pinging, replies

NODES = (1, 2, 3)
GUESTS: dict[str, Guest] = {}


def ovs(cluster: Cluster, *arguments: str, code: int = 0) -> str:
    """What gnt-ovs prints on the master; it must end with `code`."""
    done = cluster.master.run("gnt-ovs", *arguments, check=False)
    assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def uplink(cluster: Cluster, node: int, switch: str = "br-data") -> dict[str, Any]:
    """The Port row of the switch's uplinks, with the names of its members, by Open vSwitch's own
    library."""
    rows = cluster.rows(node)
    (bridge,) = (row for row in rows["Bridge"] if row["name"] == switch)
    names = {row["_uuid"]: row["name"] for row in rows["Interface"]}
    ports = [
        {**row, "members": sorted(names[one] for one in row["interfaces"])}
        for row in rows["Port"]
        if row["_uuid"] in bridge["ports"]
    ]
    (port,) = (port for port in ports if port["members"][0].startswith("eth"))
    return port


def ofports(cluster: Cluster) -> list[tuple[str, int]]:
    """Guests' interfaces and their numbers, of all nodes."""
    return sorted(
        (f"{node} {row['name']}", row["ofport"][0])
        for node in NODES
        for row in cluster.rows(node)["Interface"]
        if row["name"].startswith("tap")
    )


@contextmanager
def unplugged(cluster: Cluster, cable: str) -> Iterator[None]:
    """The physical switch's end of a cable without link during the block."""
    link = ["nsenter", "-t", str(cluster.boxes[0].pid), "--net", "ip", "link", "set", cable]
    subprocess.run([*link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run([*link, "up"], check=True)


@pytest.fixture(scope="module", autouse=True)
def alone(cluster: Cluster) -> Iterator[None]:
    """Nothing stays, and br0 is nobody's again."""
    yield
    for name in list(GUESTS):
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name, check=False)
        GUESTS.pop(name)
    for name in ovs(cluster, "list-switches", "--no-headers", "-o", "name").split():
        ovs(cluster, "remove-switch", name)
    check(cluster, GUESTS)


@pytest.fixture
def data(cluster: Cluster) -> None:
    """br-data with two guests, as the tests before leave it if they have run."""
    if not GUESTS:
        test_add(cluster)
        test_guests_reach_each_other(cluster)
        test_a_node_of_its_own(cluster)


def test_refused(cluster: Cluster) -> None:
    before = cluster.gnt("group", "list-tags", "default")
    new = ("add-switch", "br-data", "--datapath-type", "netdev")
    out = ovs(cluster, *new, "--uplink", "eth0", code=1)
    assert "node2.lab: failed: br-data: eth0 carries the node's address 10.77.0.12" in out
    assert "nothing was changed, because of node1.lab, node2.lab, node3.lab" in out
    out = ovs(cluster, *new, "--uplink", "eth7", code=1)
    assert "this node has no device eth7" in out
    out = ovs(cluster, *new, "--uplink", "eth2", "--bond-mode", "balance-slb", code=1)
    assert out == (
        "gnt-ovs: vSwitch br-data: bond_mode is for a bond, which takes two uplinks or more\n"
    )
    assert ovs(cluster, "modify-switch", "br-data", "--mtu", "1500", code=1) == (
        "gnt-ovs: node group default has no vSwitch br-data\n"
    )
    done = cluster.node(2).run("gnt-ovs", "list-switches", check=False)
    assert done.returncode == 1
    assert "This is not the master node, please connect to node 'node1.lab'" in done.stderr
    assert "ovs:switch:" not in before
    assert cluster.gnt("group", "list-tags", "default") == before


def test_add(cluster: Cluster) -> None:
    new = ("add-switch", "br-data", "--uplink", "eth2", "--uplink", "eth3",
           "--datapath-type", "netdev", "--trunks", "100,200")  # fmt: skip
    out = ovs(cluster, *new, "--dry-run")
    assert out.count("would be changed") == 3
    shown = json.loads(ovs(cluster, *new, "--dry-run", "--json"))
    assert (shown["group"], shown["dry_run"]) == ("default", True)
    assert [(one["node"], one["done"], one["changes"]) for one in shown["nodes"]] == [
        (f"node{node}.lab", True, ["br-data: made",
         "br-data: uplink eth2 and eth3 as port bond-br-data"]) for node in NODES
    ]  # fmt: skip
    assert all(len(cluster.rows(node)["Bridge"]) == 1 for node in NODES)
    out = ovs(cluster, *new)
    assert out.count(": changed\n") == 3
    for node in NODES:
        port = uplink(cluster, node)
        assert port["members"] == ["eth2", "eth3"]
        assert (port["vlan_mode"], port["trunks"]) == (["trunk"], [100, 200])
        assert port["bond_mode"] == ["active-backup"]
    assert ovs(cluster, "apply").count("nothing to do") == 3
    assert "has a vSwitch br-data already" in ovs(cluster, *new, code=1)
    assert ovs(cluster, "list-switches", "--no-headers", "--separator", "|") == (
        "br-data|default|eth2,eth3|active-backup|off|100,200|-|3|-\n"
    )
    info = json.loads(ovs(cluster, "info-switch", "br-data", "--json"))
    assert info[0]["nodes"] == ["node1.lab", "node2.lab", "node3.lab"]
    assert info[0]["datapath_type"] == "netdev"


def test_guests_reach_each_other(cluster: Cluster) -> None:
    for name, node, address in (("a.lab", 1, "10.0.0.1"), ("b.lab", 2, "10.0.0.2")):
        cluster.gnt(
            "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check",
            "--no-ip-check", "-n", f"node{node}.lab", "-H",
            f"kvm:kernel_args=quiet panic=1 lab.ip=eth0:{address}/24",
            "--net", "0:link=br-data,vlan=.100", name,
        )  # fmt: skip
        GUESTS[name] = Guest(node, [".100"])
    for name, node in (("a.lab", 1), ("b.lab", 2)):
        booted(cluster, node, name)
    assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bond-mode", "balance-slb", "--bond-rebalance-interval", "1000"),
        ("--reset", "bond-mode", "--reset", "bond-rebalance-interval"),
        ("--trunks", "100,200,300"),
        ("--remove-uplink", "eth3"),
        ("--add-uplink", "eth3"),
        ("--reset", "trunks"),
    ],
)
def test_modify_under_traffic(arguments: tuple[str, ...], cluster: Cluster) -> None:
    before = ofports(cluster)
    with pinging(cluster, 1, "a.lab", "10.0.0.2") as result:
        out = ovs(cluster, "modify-switch", "br-data", *arguments)
    assert out.count(": changed\n") == 3
    print(
        f"modify-switch {' '.join(arguments)}: {result[1]} of {result[0]} pings lost, ten a second"
    )
    assert result[0] > 10
    # A guest whose MAC the physical switch knows on the wrong cable is not heard for seconds.
    assert any(replies(cluster, 1, "a.lab", "10.0.0.2") == 3 for _ in range(20))
    assert result[1] <= 30
    assert ofports(cluster) == before
    assert ovs(cluster, "apply").count("nothing to do") == 3


@pytest.mark.rest
@pytest.mark.parametrize("mode", ["balance-slb", "active-backup"])
def test_uplinks_lose_their_link(mode: str, cluster: Cluster, data: None) -> None:
    """One after the other: what was the active one goes, whichever it is. Then both."""
    ovs(cluster, "modify-switch", "br-data", "--bond-mode", mode)
    with pinging(cluster, 1, "a.lab", "10.0.0.2") as result:
        with unplugged(cluster, "t1.2"):
            time.sleep(3)
        time.sleep(1)
        with unplugged(cluster, "t1.3"):
            time.sleep(3)
    print(f"{mode}: two links down, one after the other: {result[1]} of {result[0]} pings lost")
    assert result[0] > 60
    assert result[1] <= 20
    with unplugged(cluster, "t2.2"), unplugged(cluster, "t2.3"):
        assert replies(cluster, 1, "a.lab", "10.0.0.2", 1) == 0
    time.sleep(2)
    assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3


def test_a_node_of_its_own(cluster: Cluster) -> None:
    ovs(cluster, "modify-switch", "br-data", "-n", "node3.lab", "--uplink", "eth3")
    assert uplink(cluster, 3)["members"] == ["eth3"]
    assert uplink(cluster, 1)["members"] == ["eth2", "eth3"]
    none = ("modify-switch", "br-data", "-n", "node3.lab", "--remove-uplink", "eth3")
    assert "cannot do without uplinks while its node group has some" in ovs(cluster, *none, code=1)
    other = ("apply", "-n", "node3.lab", "-g", "rack9")
    assert "node3.lab is in node group default, not rack9" in ovs(cluster, *other, code=1)
    assert ovs(cluster, "list-switches", "--no-headers", "-o", "own") == "node3.lab\n"
    out = ovs(cluster, "remove-switch", "br-data", code=1)
    assert "first gnt-ovs modify-switch -n node3.lab br-data --reset uplinks" in out
    ovs(cluster, "modify-switch", "-n", "node3.lab", "br-data", "--reset", "uplinks")
    assert uplink(cluster, 3)["members"] == ["eth2", "eth3"]


@pytest.mark.rest
def test_changes_at_once_are_not_lost(cluster: Cluster, data: None) -> None:
    """Of two administrators, either both get theirs or one is told."""
    names = [f"br-{number}" for number in range(4)]

    def add(name: str) -> subprocess.CompletedProcess[str]:
        return cluster.master.run(
            "gnt-ovs", "add-switch", name, "--datapath-type", "netdev", check=False
        )

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(add, names))
    made = ovs(cluster, "list-switches", "--no-headers", "-o", "name").split()
    for name, one in zip(names, done):
        assert (one.returncode == 0) == (name in made), one.stdout + one.stderr
        assert not one.returncode or "was changed by somebody else at the same time" in one.stderr
    assert "br-data" in made
    assert len(made) > 1
    ovs(cluster, "apply")
    for name in made:
        if name != "br-data":
            ovs(cluster, "remove-switch", name)


@pytest.mark.rest
def test_changes_of_a_node_at_once_are_not_lost(cluster: Cluster, data: None) -> None:
    """The same of a node's own settings; what it has afterwards is what was said to be done."""
    settings = ("bond_updelay", "bond_downdelay")

    def modify(setting: str) -> subprocess.CompletedProcess[str]:
        option = (f"--{setting.replace('_', '-')}", "200")
        return cluster.master.run(
            "gnt-ovs", "modify-switch", "br-data", "-n", "node3.lab", *option, check=False
        )

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(modify, settings))
    tags = cluster.gnt("node", "list-tags", "node3.lab").split()
    kept = {tag for tag in tags if not tag.startswith("ovs:revision:")}
    assert len(tags) - len(kept) == 1
    said = {
        f"ovs:switch:br-data:{name}:200" for name, one in zip(settings, done) if not one.returncode
    }
    assert kept == said != set(), [one.stdout + one.stderr for one in done]
    bond = uplink(cluster, 3)
    for name in settings:
        assert (bond[name] == 200) == (f"ovs:switch:br-data:{name}:200" in said)
    for one in done:
        assert not one.returncode or "was changed by somebody else at the same time" in one.stderr
    reset = ("--reset", "bond-updelay", "--reset", "bond-downdelay")
    ovs(cluster, "modify-switch", "br-data", "-n", "node3.lab", *reset)
    assert ovs(cluster, "list-switches", "--no-headers", "-o", "own") == "-\n"


def test_an_offline_node_gets_it_later(cluster: Cluster) -> None:
    cluster.gnt("node", "modify", "--offline=yes", "node3.lab")
    try:
        out = ovs(cluster, "add-switch", "br-late", "--datapath-type", "netdev")
        assert "node3.lab: offline, skipped; it gets it when it is back" in out
        assert out.count(": changed\n") == 2
        assert "br-late" not in {row["name"] for row in cluster.rows(3)["Bridge"]}
    finally:
        cluster.gnt("node", "modify", "--offline=no", "--force", "node3.lab")
    assert "br-late" in {row["name"] for row in cluster.rows(3)["Bridge"]}
    assert ovs(cluster, "apply", "-n", "node3.lab") == "node3.lab: nothing to do\n"
    ovs(cluster, "remove-switch", "br-late")
    assert "br-late" not in {row["name"] for row in cluster.rows(3)["Bridge"]}


def test_remove(cluster: Cluster) -> None:
    out = ovs(cluster, "remove-switch", "br-data", code=1)
    assert "node1.lab: failed: br-data is used by tap" in out
    assert "(a.lab, NIC 0)" in out
    assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3
    for name in list(GUESTS):
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name)
        GUESTS.pop(name)
    ovs(cluster, "remove-switch", "br-data")
    assert all(len(cluster.rows(node)["Bridge"]) == 1 for node in NODES)
    assert "ovs:switch" not in cluster.gnt("group", "list-tags", "default")
