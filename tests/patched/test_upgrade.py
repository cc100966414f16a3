"""From Debian's own Ganeti 3.0 to the patched 3.1 and back, by Ganeti's own upgrade command.

The tests build on each other and run in their order. The configuration of 3.1 differs from
that of 3.0 only in its version number, which lets stock daemons read it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster
from tests.patched.guests import ADD

CONFIG = "/var/lib/ganeti/config.data"
KEYS = ("port_type", "max_bandwidth", "max_burst")
OWN = "port_type=access,max_bandwidth=10M"


@pytest.fixture(scope="module")
def cluster(packages: Path) -> Iterator[Cluster]:
    lab = Cluster(nodes=2, packages=packages, version="3.0")
    yield lab
    lab.close()


def differing(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two parts of a configuration differ, other than in when something was changed."""
    if path.endswith(("/ctime", "/mtime")) or old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [
            line for key in keys for line in differing(old.get(key), new.get(key), f"{path}/{key}")
        ]
    return [f"{path}: {old} -> {new}"]


def go_to(cluster: Cluster, version: str) -> None:
    """`gnt-cluster upgrade`; its last step, verify, complains of namespaces, so others look."""
    out = cluster.gnt("cluster", "upgrade", f"--to={version}", check=False, limit=300)
    assert "Unpausing the watcher" in out, out
    assert f"ganeti {version}." in cluster.gnt("cluster", "--version")
    cluster.gnt("cluster", "getmaster")
    cluster.gnt("instance", "list")
    out = cluster.gnt("cluster", "verify", check=False)
    errors = [line for line in out.splitlines() if "ERROR" in line and "procfs" not in line]
    assert not errors, out


def test_stock(cluster: Cluster) -> None:
    assert "ganeti 3.0.2-" in cluster.gnt("cluster", "--version")
    cluster.gnt(*ADD, "--no-name-check", "--no-ip-check", "-n", "node1.lab", "--net",
                "0:vlan=100", "a.lab")  # fmt: skip
    out = cluster.modify("a.lab", f"0:modify,{OWN}", check=False)
    assert "port_type" in out, "stock Ganeti has these parameters?"
    check(cluster, {"a.lab": Guest(1, [".100"])})


def test_upgrade(cluster: Cluster) -> None:
    before = cluster.config()
    go_to(cluster, "3.1")
    assert "+ovs1" in cluster.gnt("cluster", "--version")
    after = cluster.config()
    for kind in ("instances", "nodegroups"):
        changed = differing(before[kind], after[kind])
        assert not changed, changed
    assert after["cluster"]["nicparams"] == before["cluster"]["nicparams"]
    check(cluster, {"a.lab": Guest(1, [".100"])})


def test_unused_parameters_are_never_written(cluster: Cluster) -> None:
    """After a change of everything that has NIC parameters."""
    cluster.modify("a.lab", "0:modify,vlan=.200")
    cluster.gnt("cluster", "modify", "--nic-parameters", "link=br0")
    cluster.gnt("network", "add", "--network=10.5.0.0/24", "net1")
    cluster.gnt("network", "connect", "-N", "mode=openvswitch,link=br0,vlan=.5", "net1")
    cluster.gnt(
        *ADD, "-n", "node1.lab", "--no-start", "--net", "0:network=net1", "--net", "1:vlan=.6",
        "b.lab",
    )  # fmt: skip
    text = cluster.master.run("cat", CONFIG).stdout
    assert not [key for key in KEYS if f'"{key}"' in text]
    check(cluster, {"a.lab": Guest(1, [".200"])})


def switch_by_hand(cluster: Cluster, version: str) -> None:
    """Daemons of another version over the very configuration there is, but for its number."""
    cluster.on_all("/usr/lib/ganeti/daemon-util", "stop-all")
    number = {"3.0": "3000000", "3.1": "3010000"}[version]
    cluster.master.run("sed", "-i", f's/"version":[0-9]*/"version":{number}/', CONFIG)
    for kind in ("lib", "share"):
        cluster.on_all("ln", "-sfn", f"/usr/{kind}/ganeti/{version}", f"/etc/ganeti/{kind}")
    cluster.on_all("sh", "-c", "/usr/lib/ganeti/daemon-util start-all || true")


def answers(cluster: Cluster, tries: int = 3) -> bool:
    """Whether Ganeti's master daemons come to answer."""
    for _ in range(tries):
        done = cluster.master.run("timeout", "8", "gnt-instance", "list", check=False)
        if "a.lab" in done.stdout:
            return True
        time.sleep(1)
    return False


def test_stock_starts_while_they_are_unused(cluster: Cluster) -> None:
    switch_by_hand(cluster, "3.0")
    assert answers(cluster)
    cluster.modify("a.lab", "0:modify,vlan=.100")
    check(cluster, {"a.lab": Guest(1, [".100"])})
    switch_by_hand(cluster, "3.1")
    assert answers(cluster)
    assert "+ovs1" in cluster.gnt("cluster", "--version")


def use_them(cluster: Cluster) -> None:
    cluster.modify("a.lab", f"0:modify,{OWN}")
    cluster.gnt("cluster", "modify", "--nic-parameters", "max_burst=1M")
    cluster.gnt("network", "add", "--network=10.6.0.0/24", "net2")
    cluster.gnt("network", "connect", "-N", "mode=openvswitch,link=br0,max_bandwidth=5M", "net2")
    text = cluster.master.run("cat", CONFIG).stdout
    assert [text.count(f'"{key}"') for key in KEYS] == [1, 2, 1]
    check(cluster, {"a.lab": Guest(1, [".100"], {0: 10_000_000})})


def test_stock_does_not_start_with_them(cluster: Cluster) -> None:
    """Why going back needs cfgupgrade. What was there comes back with the patched daemons."""
    use_them(cluster)
    switch_by_hand(cluster, "3.0")
    daemon = ("/usr/lib/ganeti/daemon-util", "check", "ganeti-wconfd")
    assert cluster.master.run(*daemon, check=False).returncode
    assert not answers(cluster, tries=1)
    switch_by_hand(cluster, "3.1")
    assert answers(cluster)
    check(cluster, {"a.lab": Guest(1, [".100"], {0: 10_000_000})})


def test_downgrade_strips_them(cluster: Cluster) -> None:
    go_to(cluster, "3.0")
    text = cluster.master.run("cat", CONFIG).stdout
    assert not [key for key in KEYS if f'"{key}"' in text]
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=0", "a.lab")
    check(cluster, {"a.lab": Guest(1, [".100"])})
    cluster.modify("a.lab", "0:modify,vlan=.200")
    check(cluster, {"a.lab": Guest(1, [".200"])})


def test_and_up_again(cluster: Cluster) -> None:
    go_to(cluster, "3.1")
    cluster.modify("a.lab", f"0:modify,{OWN}")
    check(cluster, {"a.lab": Guest(1, [".200"], {0: 10_000_000})})
