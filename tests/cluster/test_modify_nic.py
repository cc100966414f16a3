"""gnt-ovs modify-nic on real nodes: a guest on another one than the master, which has no copy of
Ganeti's configuration. What is asked for is in the port when the command has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster
from tests.cluster.test_switches import ovs, unplugged

pytestmark = pytest.mark.rest

GUESTS: dict[str, Guest] = {}
NAME = "m.lab"


@pytest.fixture(scope="module", autouse=True)
def guest(cluster: Cluster) -> Iterator[None]:
    cluster.gnt("cluster", "modify", "--candidate-pool-size=1")
    cluster.gnt("node", "modify", "--master-candidate=no", "node2.lab")
    try:
        assert (
            cluster.node(2).run("test", "-e", "/var/lib/ganeti/config.data", check=False).returncode
        )
        cluster.gnt(
            "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
            "-n", "node2.lab",
            "--tags", "prod,ovs:nic:0:max_bandwidth:5M,ovs:nic:1:max_bandwidth:6M",
            "--net", "0:link=br0,vlan=.100", "--net", "1:link=br0,vlan=,name=back", NAME,
        )  # fmt: skip
        GUESTS[NAME] = Guest(2, [".100", ""], {0: 5 * 10**6, 1: 6 * 10**6})
        check(cluster, GUESTS)
        yield
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", NAME)
    finally:
        cluster.gnt("cluster", "modify", "--candidate-pool-size=10")
        cluster.gnt("node", "modify", "--master-candidate=yes", "node2.lab", check=False)
    GUESTS.clear()
    check(cluster, GUESTS)


def uuids(cluster: Cluster) -> list[str]:
    (instance,) = cluster.config()["instances"].values()
    return [nic["uuid"] for nic in instance["nics"]]


def tags(cluster: Cluster) -> set[str]:
    return set(cluster.gnt("instance", "list-tags", NAME).split())


def modify(cluster: Cluster, *arguments: str, code: int = 0) -> str:
    return ovs(cluster, "modify-nic", *arguments, code=code)


def test_a_limit(cluster: Cluster) -> None:
    """Old tags of this NIC go, nobody else's do; a short name does."""
    first, _second = uuids(cluster)
    out = modify(cluster, "m", "0", "--max-bandwidth", "10M")
    assert (
        f"{NAME}, NIC 0: max_bandwidth 5M -> 10M (tag ovs:nic:{first}:max_bandwidth:10M)\n" in out
    )
    assert out.endswith(f"{NAME}, NIC 0: in effect on node2.lab\n")
    assert "holds only for what the guest receives: br0 uses the userspace datapath" in out
    GUESTS[NAME].limits[0] = 10**7
    check(cluster, GUESTS)
    kept = {"prod", "ovs:nic:1:max_bandwidth:6M"}
    assert tags(cluster) == {*kept, f"ovs:nic:{first}:max_bandwidth:10M"}
    # And it stays, whoever looks next.
    assert cluster.node(2).run("gnt-ovs", "reconcile").stdout == "nothing to do\n"
    check(cluster, GUESTS)


def test_vlans(cluster: Cluster) -> None:
    """Parameters of Ganeti's own; by name, by UUID, together with a port type by tag."""
    modify(cluster, NAME, "back", "--vlan", ":10:20", "--port-type", "trunk")
    GUESTS[NAME].vlans[1] = ":10:20"
    check(cluster, GUESTS)
    (instance,) = cluster.config()["instances"].values()
    assert instance["nics"][1]["nicparams"]["vlan"] == ":10:20"
    # Neither setting would do without the other.
    modify(cluster, NAME, uuids(cluster)[1], "--reset", "port-type", "--vlan", "200")
    GUESTS[NAME].vlans[1] = ".200"
    check(cluster, GUESTS)
    modify(cluster, NAME, "1", "--vlan", "none", "--port-type", "trunk")
    GUESTS[NAME].vlans[1] = "all"
    check(cluster, GUESTS)
    modify(cluster, NAME, "1", "--reset", "vlan", "--reset", "port_type")
    GUESTS[NAME].vlans[1] = ""
    check(cluster, GUESTS)


def test_all_nics_and_back(cluster: Cluster) -> None:
    modify(cluster, NAME, "1", "--reset", "max-bandwidth")
    GUESTS[NAME].limits.pop(1)
    check(cluster, GUESTS)
    modify(cluster, NAME, "*", "--max-bandwidth", "7M")
    GUESTS[NAME].limits[1] = 7 * 10**6
    check(cluster, GUESTS)
    shown = json.loads(ovs(cluster, "info-nic", NAME, "--json"))
    limits = [one["settings"]["max_bandwidth"] for one in shown]
    assert [one["text"] for one in limits] == ["10M", "7M"]
    assert [word["source"] for word in limits[0]["unused"]] == ["tag ovs:nic:*:max_bandwidth:7M"]
    modify(cluster, NAME, "*", "--reset", "max-bandwidth")
    GUESTS[NAME].limits.pop(1)
    check(cluster, GUESTS)


def test_a_dry_run(cluster: Cluster) -> None:
    before = tags(cluster)
    out = modify(cluster, NAME, "0", "--max-bandwidth", "1M", "--dry-run")
    assert "  node2.lab: would have changed tap0 (m.lab, NIC 0) on br0: max_bandwidth " in out
    assert tags(cluster) == before
    check(cluster, GUESTS)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("0", "--vlan", "9999"), "VLAN ID 9999 is not in 1-4094"),
        (("0", "--port-type", "trunk"), "port_type trunk contradicts vlan .100"),
        (("0", "--max-bandwidth", "fast"), "max_bandwidth 'fast' is no bit/s value"),
        (("7", "--vlan", ".5"), "m.lab has no NIC 7"),
    ],
)
def test_refused(arguments: tuple[str, ...], why: str, cluster: Cluster) -> None:
    before = tags(cluster)
    out = modify(cluster, NAME, *arguments, code=1)
    assert why in out
    assert out.count("\n") == 1
    assert tags(cluster) == before
    check(cluster, GUESTS)


def test_a_misspelt_tag_is_named(cluster: Cluster) -> None:
    cluster.gnt("instance", "add-tags", NAME, "ovs:nic:0:max_bandwith:1M")
    try:
        for command in (("modify-nic", NAME, "0", "--max-burst", "1M"), ("info-nic", NAME)):
            assert "did you mean ovs:nic:0:max_bandwidth:1M?" in ovs(cluster, *command, code=1)
        check(cluster, GUESTS)
    finally:
        cluster.gnt("instance", "remove-tags", NAME, "ovs:nic:0:max_bandwith:1M")


def test_two_at_once(cluster: Cluster) -> None:
    """Both get theirs; of two who want different things, the last one; nothing is torn."""
    wanted = [("0", "11M"), ("0", "12M"), ("1", "13M"), ("1", "14M")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: modify(cluster, NAME, one[0], "--max-bandwidth", one[1]), wanted))
    shown = json.loads(ovs(cluster, "info-nic", NAME, "--json"))
    for index, one in enumerate(shown):
        text = one["settings"]["max_bandwidth"]["text"]
        assert (str(index), text) in wanted
        GUESTS[NAME].limits[index] = int(text.removesuffix("M")) * 10**6
    check(cluster, GUESTS)
    assert len(tags(cluster)) == 3


def test_a_node_that_cannot_be_reached(cluster: Cluster) -> None:
    with unplugged(cluster, "m2"):
        out = modify(cluster, NAME, "0", "--max-bandwidth", "20M", code=1)
    (line,) = (one for one in out.splitlines() if one.startswith("gnt-ovs: "))
    assert "m.lab, NIC 0: stored; whether it is in effect on node2.lab is not known: " in line
    check(cluster, GUESTS)
    out = modify(cluster, NAME, "0", "--max-bandwidth", "20M")
    assert "max_bandwidth 20M, as before" in out
    GUESTS[NAME].limits[0] = 20 * 10**6
    check(cluster, GUESTS)


def test_a_dead_ovs_vswitchd(cluster: Cluster) -> None:
    node = cluster.node(2)
    node.run("sh", "-c", "kill -STOP $(cat /run/openvswitch/ovs-vswitchd.pid)")
    try:
        out = modify(cluster, NAME, "0", "--max-bandwidth", "20M", code=1)
    finally:
        node.run("sh", "-c", "kill -CONT $(cat /run/openvswitch/ovs-vswitchd.pid)")
    why = "ovs-vswitchd has not applied the change within 10 s"
    assert f"in effect on node2.lab is not known: {why}" in out


def test_a_guest_that_does_not_run(cluster: Cluster) -> None:
    cluster.kill(2, NAME)
    cluster.gnt("instance", "stop", "--timeout=0", NAME)
    GUESTS[NAME].node = 0
    out = modify(cluster, NAME, "0", "--max-bandwidth", "30M", "--vlan", ".300")
    assert "stored; it does not run on node2.lab, and has it from its next start" in out
    cluster.gnt("instance", "start", NAME)
    GUESTS[NAME] = Guest(2, [".300", ""], {**GUESTS[NAME].limits, 0: 30 * 10**6})
    check(cluster, GUESTS)
