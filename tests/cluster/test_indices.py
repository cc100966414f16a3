"""Tags by index on a real cluster: who asks before, who only says it afterwards; and adoption."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster
from tests.cluster.test_life import booted

pytestmark = pytest.mark.rest

GUESTS: dict[str, Guest] = {}
NAME = "i.lab"
TAGS = "ovs:nic:0:port_type:trunk,ovs:nic:1:max_bandwidth:10M"


@pytest.fixture(scope="module", autouse=True)
def guest(cluster: Cluster) -> Iterator[None]:
    """On node 2, with a trunk of all VLANs and an access port with a limit."""
    cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
        "-n", "node2.lab", "-H", "kvm:kernel_args=quiet panic=1 lab.ip=eth0:10.0.0.9/24",
        "--tags", TAGS, "--net", "0:link=br0,vlan=", "--net", "1:link=br0,vlan=.100",
        "--net", "2:link=br0,vlan=.200", NAME,
    )  # fmt: skip
    GUESTS[NAME] = Guest(2, ["all", ".100", ".200"], {1: 10**7})
    check(cluster, GUESTS)
    booted(cluster, 2, NAME)  # Only a system of its own lets a NIC be unplugged.
    yield
    cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", NAME)
    GUESTS.clear()
    check(cluster, GUESTS)


def commands(text: str) -> list[list[str]]:
    """The commands that a line names."""
    said = " ".join(text.split()).partition("write them by UUID: ")[2].partition(" (")[0]
    words = [one.split() for one in said.split(";") if one.strip().startswith("gnt-instance")]
    return [[word for word in one[1:] if word[:1].isalnum()] for one in words]


def test_without_hotplug_it_is_refused(cluster: Cluster) -> None:
    out = cluster.modify(NAME, "0:remove", check=False)
    assert "NIC 1 would be NIC 0, NIC 2 would be NIC 1" in " ".join(out.split())
    assert len(next(iter(cluster.config()["instances"].values()))["nics"]) == 3
    check(cluster, GUESTS)


def test_hot_plugged_it_is_said_and_nothing_changes(cluster: Cluster) -> None:
    out = " ".join(cluster.modify(NAME, "0:remove", hot=True).split())
    assert "NIC 0 was NIC 1, NIC 1 was NIC 2 when plugged, and what the tags gave it then" in out
    GUESTS[NAME] = Guest(2, [".100", ".200"], {0: 10**7})
    check(cluster, GUESTS)
    cluster.node(2).run("gnt-ovs", "reconcile", check=False)
    check(cluster, GUESTS)
    moved = cluster.gnt("instance", "migrate", "--force", "-n", "node3.lab", NAME, check=False)
    assert "NIC 1 is NIC 0, NIC 2 is NIC 1, and tags by index mean another NIC" in " ".join(
        moved.split()
    )
    check(cluster, GUESTS)


def test_the_commands_that_it_names_resolve_it(cluster: Cluster) -> None:
    said = cluster.node(2).run("gnt-ovs", "reconcile", check=False)
    found = commands(said.stderr)
    assert [words[0] for words in found] == ["add-tags", "remove-tags"]
    for words in found:
        cluster.gnt("instance", *words)
    done = cluster.node(2).run("gnt-ovs", "reconcile")
    assert (done.stdout, done.stderr) == ("nothing to do\n", "")
    cluster.gnt("instance", "migrate", "--force", "-n", "node3.lab", NAME)
    GUESTS[NAME].node = 3
    check(cluster, GUESTS)


def test_a_guest_that_stock_ganeti_has_hot_plugged_is_adopted(cluster: Cluster) -> None:
    """Its runtime file has its NICs in another order than their indices and files."""
    node = cluster.node(3)
    script = "/etc/ganeti/kvm-vif-bridge"
    node.run("mv", script, f"{script}.away")
    hooks = "/etc/ganeti/hooks"
    node.run("mv", hooks, f"{hooks}.away")
    try:
        cluster.gnt("instance", "reboot", "--shutdown-timeout=0", NAME)
        booted(cluster, 3, NAME)
        cluster.modify(NAME, "0:modify,vlan=.300", hot=True, check=False)
    finally:
        node.run("mv", f"{script}.away", script)
        node.run("mv", f"{hooks}.away", hooks)
    node.run("rm", "-rf", "/var/run/ganeti-ovs")
    node.run("gnt-ovs", "reconcile", check=False)
    GUESTS[NAME] = Guest(3, [".300", ".200"], {0: 10**7})
    check(cluster, GUESTS)
