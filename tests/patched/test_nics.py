"""NIC parameters of a patched Ganeti, on a real cluster: the port is right after every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.lab import Cluster
from tests.patched.guests import ADD, Guests
from tests.patched.rapi import Rapi

# What Ganeti's message says of a wrong value, at add and at modify.
REFUSED = [
    ("vlan=9999", "9999"),
    ("vlan=0", "VLAN"),
    ("vlan=:7:7", "7"),
    ("port_type=native", "port_type 'native' is none of access, trunk, hybrid"),
    ("port_type=access,vlan=:10:20", "port_type access contradicts vlan :10:20"),
    ("port_type=trunk,vlan=.5", "port_type trunk contradicts vlan .5"),
    ("port_type=hybrid,vlan=.5", "port_type hybrid contradicts vlan .5"),
    ("port_type=hybrid,vlan=", "port_type hybrid contradicts no vlan"),
    ("max_bandwidth=fast", "max_bandwidth 'fast' is not a bit/s value"),
    ("max_bandwidth=100m", "max_bandwidth '100m' is not a bit/s value"),
    ("max_bandwidth=-5", "max_bandwidth '-5' is not a bit/s value"),
    ("max_bandwidth=11k", "max_bandwidth '11k' is not between 12k and"),
    ("max_bandwidth=35G", "max_bandwidth '35G' is not between 12k and"),
    ("max_bandwidth=12.0001k", "max_bandwidth '12.0001k' is not"),
    ("max_burst=much", "max_burst 'much' is not a bit value"),
    ("max_burst=35G", "max_burst '35G' is above"),
    (
        "mode=routed,ip=10.9.0.1,max_bandwidth=1M",
        "max_bandwidth needs mode openvswitch, not routed",
    ),
    ("mode=bridged,link=br0,max_bandwidth=1M", "max_bandwidth needs mode openvswitch, not bridged"),
    ("mode=bridged,link=br0,port_type=trunk", "port_type needs mode openvswitch, not bridged"),
]


@pytest.fixture(scope="module")
def guests(cluster: Cluster) -> Guests:
    return Guests(cluster)


@pytest.fixture(autouse=True)
def empty(guests: Guests) -> Iterator[None]:
    yield
    guests.remove()


def test_the_command_as_it_was_wished(cluster: Cluster, guests: Guests) -> None:
    cluster.gnt(
        "instance", "add", "--net", "0:vlan=100,mode=trunk,max_bandwidth=100M",
        "-t", "diskless", "-o", "noop", "-n", "node1.lab", "a.lab",
    )  # fmt: skip
    guests.expect("a.lab", ":100", 100_000_000)
    assert guests.field("a.lab", "nic.port_type/0,nic.vlan/0") == ["trunk", ":100"]


@pytest.mark.parametrize(
    ("net", "vlan", "limit", "shown"),
    [
        ("mode=access,vlan=100", ".100", 0, ["access", "-", "-"]),
        ("mode=hybrid,vlan=2:10:20", ".2:10:20", 0, ["hybrid", "-", "-"]),
        ("mode=trunk", "all", 0, ["trunk", "-", "-"]),
        ("mode=trunk,vlan=:10:20", ":10:20", 0, ["trunk", "-", "-"]),
        ("vlan=100,port_type=access", ".100", 0, ["access", "-", "-"]),
        ("port_type=trunk,max_bandwidth=1.5G", "all", 1_500_000_000, ["trunk", "1.5G", "-"]),
        ("max_bandwidth=500,max_burst=8M", "", 500_000, ["-", "500", "8M"]),
        ("max_bandwidth=0,port_type=none,max_burst=default", "", 0, ["-", "0", "-"]),
    ],
)
def test_add(net: str, vlan: str, limit: int, shown: list[str], guests: Guests) -> None:
    guests.add("a.lab", net, vlan, limit)
    fields = "nic.port_type/0,nic.max_bandwidth/0,nic.max_burst/0"
    assert guests.field("a.lab", fields) == shown
    texts = [f"['{one}']" if one != "-" else "[None]" for one in shown]
    assert guests.field("a.lab", "nic.port_types,nic.max_bandwidths,nic.max_bursts") == texts
    info = guests.cluster.gnt("instance", "info", "a.lab")
    for what, value in zip(("port type", "max bandwidth", "max burst"), shown):
        assert f"{what}: {'None' if value == '-' else value}\n" in info


@pytest.mark.parametrize("hot", [False, True])
def test_modify_each(hot: bool, guests: Guests) -> None:
    guests.add("a.lab", "vlan=100", ".100")
    before = guests.params("a.lab")
    for net, vlan, limit in [
        ("max_bandwidth=50M", ".100", 50_000_000),
        ("max_burst=4M", ".100", 50_000_000),
        ("port_type=access", ".100", 50_000_000),
        ("max_bandwidth=20M", ".100", 20_000_000),
        ("port_type=trunk,vlan=:100", ":100", 20_000_000),
        ("vlan=:10:20", ":10:20", 20_000_000),
        ("vlan=", "all", 20_000_000),
        ("port_type=hybrid,vlan=2:10:20", ".2:10:20", 20_000_000),
        ("port_type=default,vlan=100", ".100", 20_000_000),
        ("port_type=none", ".100", 20_000_000),
        ("max_bandwidth=none", ".100", 0),
        ("max_bandwidth=30M", ".100", 30_000_000),
        ("max_bandwidth=default,max_burst=none", ".100", 0),
    ]:
        guests.modify("a.lab", net, vlan, limit, hot)
    assert guests.params("a.lab") == {**before, "mode": "openvswitch", "link": "br0"}


@pytest.mark.parametrize("hot", [False, True])
def test_modify_by_the_short_hand(hot: bool, guests: Guests) -> None:
    guests.add("a.lab", "vlan=100,max_bandwidth=10M", ".100", 10_000_000)
    for net, vlan in [
        ("mode=trunk,vlan=:10:20", ":10:20"),
        ("mode=hybrid,vlan=2:10:20", ".2:10:20"),
        ("mode=trunk,vlan=", "all"),
        ("mode=access,vlan=100", ".100"),
    ]:
        guests.modify("a.lab", net, vlan, 10_000_000, hot)


def test_burst_reaches_the_port(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "max_bandwidth=50M,max_burst=4M", "", 50_000_000)
    (queue,) = cluster.rows(1)["Queue"]
    assert queue["other_config"]["burst"] == "4000000"
    guests.modify("a.lab", "max_burst=6M", "", 50_000_000)
    (queue,) = cluster.rows(1)["Queue"]
    assert queue["other_config"]["burst"] == "6000000"


@pytest.mark.parametrize(("net", "message"), REFUSED)
def test_refused_at_add(net: str, message: str, cluster: Cluster, guests: Guests) -> None:
    out = cluster.gnt(*ADD, "-n", "node1.lab", "--net", f"0:{net}", "bad.lab", check=False)
    assert message in out.replace("\n", " ")
    assert "bad.lab" not in cluster.gnt("instance", "list", "--no-headers", "-o", "name")
    guests.check()


def test_refused_at_modify(cluster: Cluster, guests: Guests) -> None:
    def refused(net: str, message: str) -> None:
        before = guests.params("a.lab")
        for how in ("--force", "--no-hotplug"):
            out = cluster.gnt(
                "instance", "modify", how, "--net", f"0:modify,{net}", "a.lab", check=False
            )
            assert message in out.replace("\n", " "), net
        assert guests.params("a.lab") == before
        guests.check()

    guests.add("a.lab", "vlan=.100", ".100")
    for net, message in REFUSED:
        refused(net, message)
    refused("port_type=trunk", "port_type trunk contradicts vlan .100")
    guests.modify("a.lab", "max_bandwidth=10M", ".100", 10_000_000)
    refused("mode=bridged,link=br0", "max_bandwidth needs mode openvswitch, not bridged")


def test_hot_added_nic(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "vlan=100", ".100")
    cluster.guest(1, "a.lab", "true")
    cluster.gnt(
        "instance", "modify", "--force", "--net", "-1:add,mode=trunk,max_bandwidth=5M", "a.lab"
    )
    guests.wanted["a.lab"].vlans.append("all")
    guests.wanted["a.lab"].limits[1] = 5_000_000
    guests.check()


def test_migrate_and_failover(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "mode=hybrid,vlan=2:10:20,max_bandwidth=10M", ".2:10:20", 10_000_000)
    cluster.gnt("instance", "migrate", "--force", "-n", "node2.lab", "a.lab")
    guests.expect("a.lab", ".2:10:20", 10_000_000, node=2)
    cluster.gnt(
        "instance", "failover", "--force", "--shutdown-timeout=1", "-n", "node3.lab", "a.lab"
    )
    guests.expect("a.lab", ".2:10:20", 10_000_000, node=3)


def test_network_with_defaults(cluster: Cluster, guests: Guests) -> None:
    def connect(params: str, check: bool = True) -> str:
        return cluster.gnt("network", "connect", "-N", params, "net1", check=check)

    cluster.gnt("network", "add", "--network=10.5.0.0/24", "net1")
    out = connect("mode=openvswitch,link=br0,vlan=.100,port_type=trunk", check=False)
    assert "network net1: port_type trunk contradicts vlan .100" in out.replace("\n", " ")
    out = connect("mode=bridged,link=br0,max_bandwidth=5M", check=False)
    assert "max_bandwidth needs mode openvswitch, not bridged" in out.replace("\n", " ")
    connect("mode=openvswitch,link=br0,vlan=:100,port_type=trunk,max_bandwidth=30M")
    try:
        guests.add("a.lab", "network=net1", ":100", 30_000_000)
        guests.modify("a.lab", "max_bandwidth=40M", ":100", 40_000_000)
        guests.modify("a.lab", "ip=pool", ":100", 40_000_000)
        guests.modify("a.lab", "max_bandwidth=default", ":100", 30_000_000, hot=True)
        guests.add("b.lab", "network=net1,max_bandwidth=0", ":100", 0)
        out = cluster.gnt(
            *ADD, "-n", "node1.lab", "--net", "0:network=net1,port_type=access", "bad.lab",
            check=False,
        )  # fmt: skip
        assert "port_type access contradicts vlan :100" in out.replace("\n", " ")
    finally:
        guests.remove()
        cluster.gnt("network", "disconnect", "net1")
        cluster.gnt("network", "remove", "net1")


def test_defaults_of_the_cluster(cluster: Cluster, guests: Guests) -> None:
    def modify(params: str, check: bool = True) -> str:
        return cluster.gnt("cluster", "modify", "--nic-parameters", params, check=check)

    guests.add("a.lab", "vlan=.100", ".100")
    for wrong, message in [
        ("max_bandwidth=fast", "max_bandwidth 'fast' is not a bit/s value"),
        ("port_type=trunk", "Instance a.lab, nic/0: port_type trunk contradicts vlan .100"),
        ("port_type=hybrid", "port_type hybrid contradicts no vlan"),
    ]:
        assert message in modify(wrong, check=False).replace("\n", " ")
    modify("max_bandwidth=10M,max_burst=1M")
    try:
        assert "max_bandwidth: 10M" in cluster.gnt("cluster", "info")
        # At the next start, or operation that hooks tell of; the NIC itself stays without.
        cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=1", "a.lab")
        guests.expect("a.lab", ".100", 10_000_000)
        assert "max_bandwidth" not in guests.params("a.lab")
        guests.modify("a.lab", "vlan=.200", ".200", 10_000_000)
        assert "max_bandwidth" not in guests.params("a.lab")
        guests.add("b.lab", "max_bandwidth=20M", "", 20_000_000)
        guests.modify("b.lab", "max_bandwidth=0", "", 0, hot=True)
        guests.modify("b.lab", "max_bandwidth=default", "", 10_000_000, hot=True)
        # They do no harm to NICs in another mode.
        cluster.gnt(
            *ADD, "-n", "node1.lab", "--no-start", "--net", "0:mode=routed,ip=10.9.0.1", "r.lab"
        )
        assert guests.field("r.lab", "nic.max_bandwidth/0") == ["-"]
        cluster.gnt("instance", "remove", "--force", "r.lab")
    finally:
        modify("max_bandwidth=none,max_burst=default")
    assert "max_bandwidth" not in cluster.gnt("cluster", "info")
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=1", "a.lab")
    guests.wanted["a.lab"].limits.clear()
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=1", "b.lab")
    guests.expect("b.lab", "")


def test_remote_api(cluster: Cluster, guests: Guests) -> None:
    rapi = Rapi(cluster)

    def new(name: str, nic: dict[str, str]) -> dict[str, Any]:
        return {
            "__version__": 1, "mode": "create", "instance_name": name, "disks": [], "nics": [nic],
            "disk_template": "diskless", "os_type": "noop", "pnode": "node1.lab",
        }  # fmt: skip

    nic = {"vlan": "2:10:20", "port_type": "hybrid", "max_bandwidth": "10M", "max_burst": "1M"}
    assert rapi.job("POST", "/2/instances", new("a.lab", nic)) == ""
    guests.expect("a.lab", ".2:10:20", 10_000_000)
    shown = rapi.call("GET", "/2/instances/a.lab")
    assert shown["nic.port_types"] == ["hybrid"]
    assert shown["nic.max_bandwidths"] == ["10M"]
    assert shown["nic.max_bursts"] == ["1M"]

    def modify(hotplug: bool, **params: str) -> str:
        body = {"nics": [["modify", 0, params]], "hotplug": hotplug}
        return rapi.job("PUT", "/2/instances/a.lab/modify", body)

    assert modify(False, max_bandwidth="20M") == ""
    guests.expect("a.lab", ".2:10:20", 20_000_000)
    cluster.guest(1, "a.lab", "true")
    assert modify(True, max_bandwidth="30M", max_burst="none") == ""
    guests.expect("a.lab", ".2:10:20", 30_000_000)
    assert modify(False, max_bandwidth="default") == ""
    guests.expect("a.lab", ".2:10:20")
    assert "port_type trunk contradicts" in modify(False, port_type="trunk")
    out = rapi.job("POST", "/2/instances", new("bad.lab", {"max_burst": "-1"}))
    assert "max_burst '-1' is not a bit value" in out


def test_export_and_import(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "vlan=.100,max_bandwidth=10M,max_burst=1M", ".100", 10_000_000)
    before = guests.params("a.lab")
    # NOTE: Ganeti makes this directory only for an instance that has disks.
    cluster.node(2).run("mkdir", "-p", "/var/lib/ganeti/export/a.lab.new")
    cluster.gnt("backup", "export", "--shutdown-timeout=1", "-n", "node2.lab", "a.lab")
    guests.remove("a.lab")
    cluster.gnt(
        "backup", "import", "-t", "diskless", "-n", "node1.lab", "--src-node=node2.lab", "a.lab"
    )
    cluster.gnt("instance", "start", "a.lab")
    guests.expect("a.lab", ".100", 10_000_000)
    after = guests.params("a.lab")
    for name in ("vlan", "max_bandwidth", "max_burst"):
        assert after[name] == before[name]
    assert "port_type" not in after


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
