"""A cluster in the middle of a rolling upgrade: a patched master, a node with Debian's own Python.

Debian's Haskell daemons of 3.1 do not run on this Debian; what they do with parameters that
they do not know is in test_upgrade, with those of 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import Cluster
from tests.patched.guests import Guests
from tests.patches.conftest import stock_package


@pytest.fixture(scope="module")
def cluster(packages: Path) -> Iterator[Cluster]:
    lab = Cluster(nodes=2, packages=packages)
    try:
        (lab.dir / "stock.deb").write_bytes(stock_package("3.1").read_bytes())
        script = """
        /usr/lib/ganeti/daemon-util stop ganeti-noded
        rm -r /usr/share/ganeti/3.1
        dpkg-deb -x /srv/lab/stock.deb /
        /usr/lib/ganeti/daemon-util start ganeti-noded
        """
        lab.node(2).run("sh", "-ec", script)
        found = lab.node(2).run(
            "grep", "-rl", "NIC_MAX_BANDWIDTH", "/usr/share/ganeti", check=False
        )
        assert found.returncode == 1, found.stdout
        yield lab
    finally:
        lab.close()


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
