"""What NICs get from their network and from the cluster, on a patched Ganeti."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.lab import Cluster
from tests.patched.guests import ADD, Guests
from tests.patched.rapi import Rapi

OVS = "mode=openvswitch,link=br0"


def test_network_with_defaults(cluster: Cluster, guests: Guests) -> None:
    def connect(params: str, check: bool = True) -> str:
        return cluster.gnt("network", "connect", "-N", params, "net1", check=check)

    cluster.gnt("network", "add", "--network=10.5.0.0/24", "net1")
    for wrong, message in [
        (f"{OVS},vlan=.100,port_type=trunk", "net1: port_type trunk contradicts vlan .100"),
        (f"{OVS},max_bandwidth=fast", "net1: max_bandwidth 'fast' is not a bit/s value"),
        (f"{OVS},max_bandwith=5M", "Unknown parameter 'max_bandwith'"),
        (f"{OVS},vlan=9999", "VLAN parameter is invalid: '9999'"),
        ("mode=bridged,link=br0,max_bandwidth=5M", "net1: max_bandwidth needs mode openvswitch"),
    ]:
        assert message in connect(wrong, check=False).replace("\n", " ")
    connect(f"{OVS},vlan=:100,port_type=trunk,max_bandwidth=30M")
    shown = "default (mode:openvswitch link:br0 vlan::100 max_bandwidth:30M port_type:trunk)"
    assert shown in cluster.gnt("network", "info", "net1")
    (of_group,) = Rapi(cluster).call("GET", "/2/networks/net1")["group_nicparams"]
    assert of_group[0] == "default"
    assert of_group[1]["max_bandwidth"] == "30M"
    assert "max_burst" not in of_group[1]
    try:
        guests.add("a.lab", "network=net1", ":100", 30_000_000)
        guests.modify(
            "a.lab", "max_bandwidth=40M,max_burst=4M", ":100", 40_000_000, burst=4_000_000
        )
        guests.modify("a.lab", "ip=pool", ":100", 40_000_000, burst=4_000_000)
        guests.modify(
            "a.lab", "max_bandwidth=default", ":100", 30_000_000, hot=True, burst=4_000_000
        )
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
        ("vlan=10:10", "VLAN 10 stands there twice"),
    ]:
        assert message in modify(wrong, check=False).replace("\n", " ")
    modify("max_bandwidth=10M,max_burst=1M")
    try:
        assert "max_bandwidth: 10M" in cluster.gnt("cluster", "info")
        # At the next start, or operation that hooks tell of; the NIC itself stays without.
        cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=0", "a.lab")
        guests.expect("a.lab", ".100", 10_000_000, burst=1_000_000)
        assert "max_bandwidth" not in guests.params("a.lab")
        guests.modify("a.lab", "vlan=.200", ".200", 10_000_000, burst=1_000_000)
        assert "max_bandwidth" not in guests.params("a.lab")
        guests.add("b.lab", "max_bandwidth=20M", "", 20_000_000, burst=1_000_000)
        guests.modify("b.lab", "max_bandwidth=0", "", 0, hot=True)
        guests.modify("b.lab", "max_bandwidth=default", "", 10_000_000, hot=True, burst=1_000_000)
        # They do no harm to NICs in another mode.
        cluster.gnt(
            *ADD, "-n", "node1.lab", "--no-start", "--net", "0:mode=routed,ip=10.9.0.1", "r.lab"
        )
        assert guests.field("r.lab", "nic.max_bandwidth/0") == ["-"]
        cluster.gnt("instance", "remove", "--force", "r.lab")
    finally:
        modify("max_bandwidth=none,max_burst=default")
    assert "max_bandwidth" not in cluster.gnt("cluster", "info")
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=0", "a.lab")
    guests.wanted["a.lab"].limits.clear()
    cluster.gnt("instance", "reboot", "--type=hard", "--shutdown-timeout=0", "b.lab")
    guests.expect("b.lab", "")


def test_defaults_from_the_beginning(packages: Path) -> None:
    """A cluster that is made with them."""
    cluster = Cluster(nodes=1, packages=packages, defaults="vlan=100,max_bandwidth=10M")
    try:
        guests = Guests(cluster)
        guests.add("a.lab", "max_burst=1M", ".100", 10_000_000, burst=1_000_000)
        config = cluster.config()
        assert "max_bandwidth" not in guests.params("a.lab")
        defaults = config["cluster"]["nicparams"]["default"]
        assert defaults["vlan"] == ".100"
        assert defaults["max_bandwidth"] == "10M"
        assert "port_type" not in defaults
    finally:
        cluster.close()
