"""NIC parameters of a patched Ganeti, on a real cluster: the port is right after every step."""

from __future__ import annotations

import re

import pytest

from tests.cluster.expect import Guest
from tests.cluster.lab import Cluster
from tests.patched.guests import ADD, Guests

# What Ganeti's message says of a wrong value, at add and at modify.
REFUSED = [
    ("vlan=9999", "VLAN parameter is invalid: '9999'"),
    ("vlan=0", "VLAN parameter is invalid: '0'"),
    ("vlan=:7:7", "VLAN 7 stands there twice"),
    ("mode=hybrid,vlan=", "mode=hybrid takes an untagged VLAN and tagged ones"),
    ("mode=trunk,vlan=,port_type=access", "mode=trunk contradicts port_type=access"),
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


def test_the_command_as_it_was_wished(cluster: Cluster, guests: Guests) -> None:
    cluster.gnt(
        "instance", "add", "--net", "0:vlan=100,mode=trunk,max_bandwidth=100M",
        "-t", "diskless", "-o", "noop", "-n", "node1.lab", "a.lab",
    )  # fmt: skip
    guests.expect("a.lab", ":100", 100_000_000)
    assert guests.field("a.lab", "nic.port_type/0,nic.vlan/0") == ["trunk", ":100"]


ADDED = [
    ("mode=access,vlan=100", ".100", 0, ["access", "-", "-"]),
    ("mode=hybrid,vlan=2:10:20", ".2:10:20", 0, ["hybrid", "-", "-"]),
    ("mode=trunk", "all", 0, ["trunk", "-", "-"]),
    ("mode=trunk,vlan=:10:20", ":10:20", 0, ["trunk", "-", "-"]),
    ("vlan=100,port_type=access", ".100", 0, ["access", "-", "-"]),
    ("port_type=trunk,max_bandwidth=1.5G", "all", 1_500_000_000, ["trunk", "1.5G", "-"]),
    ("max_bandwidth=500,max_burst=8M", "", 500_000, ["-", "500", "8M"]),
    ("max_bandwidth=0,port_type=none,max_burst=default", "", 0, ["-", "0", "-"]),
]


def test_add(cluster: Cluster, guests: Guests) -> None:
    """All of them as NICs of one guest; Ganeti allows eight."""
    nics = [word for index, one in enumerate(ADDED) for word in ("--net", f"{index}:{one[0]}")]
    cluster.gnt(*ADD, "-n", "node1.lab", *nics, "a.lab")
    guests.wanted["a.lab"] = Guest(
        1,
        [vlan for _, vlan, _, _ in ADDED],
        {index: limit for index, (_, _, limit, _) in enumerate(ADDED) if limit},
        {index: 8_000_000 for index, one in enumerate(ADDED) if "max_burst=8M" in one[0]},
    )
    guests.check()
    info = cluster.gnt("instance", "info", "a.lab")
    for number, name in enumerate(("port_type", "max_bandwidth", "max_burst")):
        shown = [one[-1][number] for one in ADDED]
        fields = ",".join(f"nic.{name}/{index}" for index in range(len(ADDED)))
        assert guests.field("a.lab", fields) == shown
        values = [None if value == "-" else value for value in shown]
        assert guests.field("a.lab", f"nic.{name}s") == [str(values)]
        words = name.replace("_", " ")
        assert re.findall(rf"(?m)^\s*-? ?{words}: (.*)$", info) == [str(value) for value in values]


# NIC parameters to change, and what they then are. Together, of each: set, changed, taken away.
CHANGES = [
    ("max_bandwidth=50M", ".100", 50_000_000, 0),
    ("max_burst=4M", ".100", 50_000_000, 4_000_000),
    ("port_type=access", ".100", 50_000_000, 4_000_000),
    ("max_bandwidth=20M", ".100", 20_000_000, 4_000_000),
    ("max_burst=default", ".100", 20_000_000, 0),
    ("port_type=trunk,vlan=:100,max_burst=6M", ":100", 20_000_000, 6_000_000),
    ("vlan=:10:20,max_burst=none", ":10:20", 20_000_000, 0),
    ("vlan=", "all", 20_000_000, 0),
    ("port_type=none", "", 20_000_000, 0),
    ("port_type=hybrid,vlan=2:10:20", ".2:10:20", 20_000_000, 0),
    ("port_type=default,vlan=100", ".100", 20_000_000, 0),
    ("max_bandwidth=none,max_burst=8M", ".100", 0, 0),
    ("max_bandwidth=30M", ".100", 30_000_000, 8_000_000),
    ("max_bandwidth=default,max_burst=none", ".100", 0, 0),
]
HOT_CHANGES = [
    ("max_bandwidth=50M,max_burst=4M", ".100", 50_000_000, 4_000_000),
    ("port_type=trunk,vlan=:10:20,max_burst=6M", ":10:20", 50_000_000, 6_000_000),
    ("vlan=", "all", 50_000_000, 6_000_000),
    ("port_type=hybrid,vlan=2:10:20,max_bandwidth=20M", ".2:10:20", 20_000_000, 6_000_000),
    ("port_type=default,vlan=100,max_burst=none", ".100", 20_000_000, 0),
    ("max_bandwidth=default", ".100", 0, 0),
]


@pytest.mark.parametrize("hot", [False, True])
def test_modify_each(hot: bool, guests: Guests) -> None:
    guests.add("a.lab", "vlan=100", ".100")
    before = guests.params("a.lab")
    for net, vlan, limit, burst in HOT_CHANGES if hot else CHANGES:
        guests.modify("a.lab", net, vlan, limit, hot=hot, burst=burst)
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
        guests.modify("a.lab", net, vlan, 10_000_000, hot=hot)


def test_refused_at_add(cluster: Cluster, guests: Guests) -> None:
    """Every second one; of each kind, one at add and one at modify. What both call has tests of
    its own in the series."""
    for net, message in REFUSED[::2]:
        out = cluster.gnt(*ADD, "-n", "node1.lab", "--net", f"0:{net}", "bad.lab", check=False)
        assert message in out.replace("\n", " "), net
        assert not cluster.config()["instances"], net
    guests.check()


def test_refused_at_modify(cluster: Cluster, guests: Guests) -> None:
    refused_ones: list[str] = []

    def refused(net: str, message: str) -> None:
        """The checks come before any hot-plugging, so that is tried with every fourth."""
        before = guests.params("a.lab")
        for hot in (False, True)[: 1 if len(refused_ones) % 4 else 2]:
            out = cluster.modify("a.lab", f"0:modify,{net}", hot=hot, check=False)
            assert message in out.replace("\n", " "), net
        refused_ones.append(net)
        assert guests.params("a.lab") == before
        guests.check()

    guests.add("a.lab", "vlan=.100", ".100")
    for net, message in REFUSED[1::2]:
        refused(net, message)
    refused("port_type=trunk", "port_type trunk contradicts vlan .100")
    guests.modify("a.lab", "max_bandwidth=10M", ".100", 10_000_000)
    refused("mode=bridged,link=br0", "max_bandwidth needs mode openvswitch, not bridged")


def test_hot_added_nic(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "vlan=100", ".100")
    cluster.guest(1, "a.lab", "true")
    cluster.modify("a.lab", "-1:add,mode=trunk,max_bandwidth=5M,max_burst=1M", hot=True)
    guests.wanted["a.lab"].vlans.append("all")
    guests.wanted["a.lab"].limits[1] = 5_000_000
    guests.wanted["a.lab"].bursts[1] = 1_000_000
    guests.check()


def test_migrate_and_failover(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "mode=hybrid,vlan=2:10:20,max_bandwidth=10M", ".2:10:20", 10_000_000)
    cluster.gnt("instance", "migrate", "--force", "-n", "node2.lab", "a.lab")
    guests.expect("a.lab", ".2:10:20", 10_000_000, node=2)
    cluster.gnt(
        "instance", "failover", "--force", "--shutdown-timeout=0", "-n", "node3.lab", "a.lab"
    )
    guests.expect("a.lab", ".2:10:20", 10_000_000, node=3)
