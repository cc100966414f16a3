"""A cluster in the middle of a rolling upgrade: one node with Debian's own Ganeti 3.1; and the way
back to that. The tests run in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.box import Box
from tests.cluster.lab import Cluster
from tests.patched.guests import Guests
from tests.patches.conftest import stock_packages

KEYS = ("port_type", "max_bandwidth", "max_burst")


@pytest.fixture(scope="module")
def cluster(packages: Path) -> Iterator[Cluster]:
    lab = Cluster(nodes=2, packages=packages)
    try:
        (lab.dir / "stock").mkdir()
        for package in stock_packages():
            (lab.dir / "stock" / package.name).write_bytes(package.read_bytes())
        daemons(lab.node(2), "stop-all")
        to_stock(lab.node(2))
        daemons(lab.node(2), "start-all")
        yield lab
    finally:
        lab.close()


def daemons(node: Box, command: str) -> None:
    """NOTE: daemon-util fails on a node that is not master, having started what is for it."""
    node.run("/usr/lib/ganeti/daemon-util", command, check=False)


def to_stock(node: Box) -> None:
    """Debian's packages instead of the patched ones."""
    script = """
    rm -r /usr/share/ganeti/3.1 /usr/lib/ganeti/3.1
    for package in /srv/lab/stock/*.deb; do dpkg-deb -x "$package" /; done
    """
    node.run("sh", "-ec", script)
    version = node.run("gnt-cluster", "--version").stdout
    assert "3.1.0" in version
    assert "+ovs" not in version


def fail_over(node: Box, check: bool = True) -> str:
    """Make a node the master."""
    done = node.run("gnt-cluster", "master-failover", "--no-voting", "--yes-do-it", check=check)
    return done.stdout + done.stderr


def test_what_is_not_used_works_as_ever(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "vlan=.100", ".100", node=2)
    guests.modify("a.lab", "vlan=.200", ".200", hot=True)
    cluster.gnt("instance", "migrate", "--force", "-n", "node1.lab", "a.lab")
    guests.expect("a.lab", ".200", node=1)
    cluster.gnt("instance", "migrate", "--force", "-n", "node2.lab", "a.lab")
    guests.expect("a.lab", ".200", node=2)


def test_the_hooks_bring_what_the_node_daemon_does_not_know(
    cluster: Cluster, guests: Guests
) -> None:
    """Its network script is not told of them, but the master's hooks run on the node, too."""
    guests.add("a.lab", "port_type=trunk,max_bandwidth=10M", "all", 10_000_000, node=2)
    guests.modify("a.lab", "max_bandwidth=20M", "all", 20_000_000)
    guests.modify("a.lab", "max_bandwidth=30M", "all", 30_000_000, hot=True)
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=0", "a.lab")
    guests.expect("a.lab", "all", 30_000_000, node=2)
    cluster.gnt("instance", "migrate", "--force", "-n", "node1.lab", "a.lab")
    guests.expect("a.lab", "all", 30_000_000, node=1)
    cluster.gnt("instance", "migrate", "--force", "-n", "node2.lab", "a.lab")
    guests.expect("a.lab", "all", 30_000_000, node=2)


def test_an_unpatched_master(cluster: Cluster, guests: Guests) -> None:
    """It works while they are not used, and refuses them."""
    guests.add("a.lab", "vlan=.100", ".100", node=1)
    fail_over(cluster.node(2))
    modify = ("gnt-instance", "modify", "--no-hotplug", "--net")
    cluster.node(2).run(*modify, "0:modify,vlan=.200", "a.lab")
    done = cluster.node(2).run(*modify, "0:modify,max_bandwidth=10M", "a.lab", check=False)
    assert done.returncode
    assert 'Superfluous dictionary keys: ["max_bandwidth"]' in done.stderr
    guests.expect("a.lab", ".200", node=1)
    fail_over(cluster.node(1))


def test_no_fail_over_to_a_node_that_does_not_know_them(cluster: Cluster, guests: Guests) -> None:
    """It is refused, and the master goes on."""
    guests.add("a.lab", "vlan=.100,max_bandwidth=10M", ".100", 10_000_000, node=1)
    out = fail_over(cluster.node(2), check=False)
    assert "Could not start the configuration daemon" in out
    assert 'Superfluous dictionary keys: ["max_bandwidth"]' in out
    assert cluster.gnt("cluster", "getmaster").strip() == "node1.lab"
    guests.modify("a.lab", "max_bandwidth=20M", ".100", 20_000_000)


def test_back_to_debian_s_own(cluster: Cluster, guests: Guests) -> None:
    """With cfgupgrade, as patches/README.md says; the guest runs all the time."""
    guests.add("a.lab", "port_type=access,vlan=.100,max_bandwidth=10M", ".100", 10_000_000)
    cluster.gnt("cluster", "modify", "--nic-parameters", "max_burst=1M")
    for number in (1, 2):
        daemons(cluster.node(number), "stop-all")
    cfgupgrade = ("/usr/lib/ganeti/tools/cfgupgrade", "--force")
    cluster.master.run(*cfgupgrade, "--downgrade")
    to_stock(cluster.master)
    cluster.master.run(*cfgupgrade)
    for number in (2, 1):  # the master asks the others whether it is
        daemons(cluster.node(number), "start-all")
    text = json.dumps(cluster.config())
    assert not [key for key in KEYS if f'"{key}"' in text]
    # What runs keeps what only the patched Ganeti could say, until its next start.
    guests.modify("a.lab", "vlan=.200", ".200", 10_000_000)
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=0", "a.lab")
    guests.expect("a.lab", ".200")
