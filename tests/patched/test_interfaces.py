"""NIC parameters of a patched Ganeti in the remote API, in exports and in hooks."""

from __future__ import annotations

from typing import Any

from tests.cluster.lab import Cluster
from tests.patched.guests import Guests
from tests.patched.rapi import Rapi


def test_remote_api(cluster: Cluster, guests: Guests) -> None:
    rapi = Rapi(cluster)

    def new(name: str, nic: dict[str, str]) -> dict[str, Any]:
        return {
            "__version__": 1, "mode": "create", "instance_name": name, "disks": [], "nics": [nic],
            "disk_template": "diskless", "os_type": "noop", "pnode": "node1.lab",
        }  # fmt: skip

    nic = {"vlan": "2:10:20", "port_type": "hybrid", "max_bandwidth": "10M", "max_burst": "1M"}
    assert rapi.job("POST", "/2/instances", new("a.lab", nic)) == ""
    guests.expect("a.lab", ".2:10:20", 10_000_000, burst=1_000_000)
    shown = rapi.call("GET", "/2/instances/a.lab")
    assert shown["nic.port_types"] == ["hybrid"]
    assert shown["nic.max_bandwidths"] == ["10M"]
    assert shown["nic.max_bursts"] == ["1M"]

    def modify(hotplug: bool, **params: str) -> str:
        body = {"nics": [["modify", 0, params]], "hotplug": hotplug}
        return rapi.job("PUT", "/2/instances/a.lab/modify", body)

    assert modify(False, max_bandwidth="20M") == ""
    guests.expect("a.lab", ".2:10:20", 20_000_000, burst=1_000_000)
    cluster.guest(1, "a.lab", "true")
    assert modify(True, max_bandwidth="30M", max_burst="none") == ""
    guests.expect("a.lab", ".2:10:20", 30_000_000)
    assert modify(False, max_bandwidth="default") == ""
    guests.expect("a.lab", ".2:10:20")
    assert "port_type trunk contradicts" in modify(False, port_type="trunk")
    out = rapi.job("POST", "/2/instances", new("bad.lab", {"max_burst": "-1"}))
    assert "max_burst '-1' is not a bit value" in out


def test_export_and_import(cluster: Cluster, guests: Guests) -> None:
    net = "vlan=.100,max_bandwidth=10M,max_burst=1M"
    guests.add("a.lab", net, ".100", 10_000_000, burst=1_000_000)
    before = guests.params("a.lab")
    # NOTE: Ganeti makes this directory only for an instance that has disks.
    cluster.node(2).run("mkdir", "-p", "/var/lib/ganeti/export/a.lab.new")
    cluster.gnt("backup", "export", "--shutdown-timeout=0", "-n", "node2.lab", "a.lab")
    guests.remove("a.lab")
    cluster.gnt(
        "backup", "import", "-t", "diskless", "-n", "node1.lab", "--src-node=node2.lab", "a.lab"
    )
    cluster.gnt("instance", "start", "a.lab")
    guests.expect("a.lab", ".100", 10_000_000, burst=1_000_000)
    after = guests.params("a.lab")
    for name in ("vlan", "max_bandwidth", "max_burst"):
        assert after[name] == before[name]
    assert "port_type" not in after


def test_switch_commands(cluster: Cluster) -> None:
    cluster.gnt("network", "add-switch", "br-data", "--uplink", "eth2", "--datapath-type", "netdev")
    try:
        shown = cluster.gnt("network", "list-switches", "--no-headers", "-o", "name,uplinks")
        assert shown.split() == ["br-data", "eth2"]
        for number in (1, 2, 3):
            assert "br-data" in {row["name"] for row in cluster.rows(number)["Bridge"]}
    finally:
        cluster.gnt("network", "remove-switch", "br-data")
    assert cluster.gnt("network", "list-switches", "--no-headers") == ""


def test_hooks_are_told(cluster: Cluster, guests: Guests) -> None:
    hook = "/etc/ganeti/hooks/instance-modify-post.d/10-told"
    cluster.node(1).run("sh", "-c", f"echo '#!/bin/sh\nenv >/root/told' >{hook}; chmod 755 {hook}")
    try:
        guests.add("a.lab", "vlan=.100,max_bandwidth=10M", ".100", 10_000_000)
        guests.modify("a.lab", "port_type=access", ".100", 10_000_000)
        told = cluster.node(1).run("cat", "/root/told").stdout.splitlines()
    finally:
        cluster.node(1).run("rm", hook)
    assert "GANETI_POST_INSTANCE_NIC0_PORT_TYPE=access" in told
    assert "GANETI_POST_INSTANCE_NIC0_MAX_BANDWIDTH=10M" in told
    assert "GANETI_POST_INSTANCE_NIC0_MAX_BURST=" in told
