"""balance-tcp with LACP on three real nodes, against an Open vSwitch that speaks LACP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.expect import Guest
from tests.cluster.lab import Cluster
from tests.cluster.lag import lacp_switch, silent
from tests.cluster.test_life import booted, pinging, replies
from tests.cluster.test_switches import ofports, ovs, unplugged, uplink
from tests.testbed.openvswitch import OpenVSwitch, wait_until

pytestmark = pytest.mark.rest

GUESTS: dict[str, Guest] = {}


@pytest.fixture(scope="module", autouse=True)
def lag(cluster: Cluster) -> Iterator[OpenVSwitch]:
    """The vSwitch br-lag on all nodes, a guest on each of the first two, in VLAN 100."""
    with lacp_switch(cluster) as switch:
        ovs(
            cluster, "add-switch", "br-lag", "--uplink", "eth2", "--uplink", "eth3",
            "--datapath-type", "netdev", "--bond-mode", "balance-tcp", "--lacp", "active",
            "--lacp-time", "fast",
        )  # fmt: skip
        for name, node, address in (("la.lab", 1, "10.0.0.1"), ("lb.lab", 2, "10.0.0.2")):
            cluster.gnt(
                "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check",
                "--no-ip-check", "-n", f"node{node}.lab", "-H",
                f"kvm:kernel_args=quiet panic=1 lab.ip=eth0:{address}/24",
                "--net", "0:link=br-lag,vlan=.100", name,
            )  # fmt: skip
        try:
            for name, node in (("la.lab", 1), ("lb.lab", 2)):
                booted(cluster, node, name)
            yield switch
        finally:
            for name in ("la.lab", "lb.lab"):
                cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name)
            ovs(cluster, "remove-switch", "br-lag")


def says(cluster: Cluster, line: str, code: int = 0) -> None:
    """Wait until gnt-ovs verify says so, with this exit code: 0 for warnings, 1 for errors."""

    def said() -> bool:
        done = cluster.master.run("gnt-ovs", "verify", check=False)
        return done.returncode == code and line in done.stdout

    wait_until(said, line, 30)


def heals(cluster: Cluster) -> None:
    """Wait until all uplinks have a link and LACP, and the guests reach each other.

    NOTE: one that has heard nothing for long asks again every 30 s only, also with fast LACP
    (lacp_run in Open vSwitch's lib/lacp.c: the partner's wish for more is forgotten).
    """
    seen = [""]

    def well() -> bool:
        seen[0] = cluster.master.run("gnt-ovs", "verify", check=False).stdout
        return not any(
            words in seen[0] for words in ("LACP", "no link", "has a link", "error", "differs")
        )

    try:
        wait_until(well, "all well", 60)
    except TimeoutError:
        raise AssertionError(seen[0]) from None
    wait_until(lambda: replies(cluster, 1, "la.lab", "10.0.0.2") == 3, "replies")


def test_guests_reach_each_other(cluster: Cluster) -> None:
    heals(cluster)
    assert uplink(cluster, 1, "br-lag")["lacp"] == ["active"]
    assert ovs(cluster, "verify").count(": right (") == 3


def test_a_link_goes_down(cluster: Cluster) -> None:
    heals(cluster)
    with pinging(cluster, 1, "la.lab", "10.0.0.2") as result:
        for cable in (2, 3):
            with unplugged(cluster, f"t1.{cable}"):
                says(cluster, f"node1.lab: warning: br-lag: eth{cable} has no link\n")
                assert replies(cluster, 2, "lb.lab", "10.0.0.1") == 3
            heals(cluster)
    print(f"one link down, then the other one: {result[1]} of {result[0]} pings lost, ten a second")
    assert result[0] > 50
    assert result[1] <= 20


@pytest.mark.parametrize("cable", [2, 3])
def test_an_uplink_is_silently_dead(cable: int, cluster: Cluster) -> None:
    """Fast LACP hears nothing for three seconds, then the other uplink has the traffic."""
    heals(cluster)
    with pinging(cluster, 1, "la.lab", "10.0.0.2") as result, silent(cluster, 1, cable):
        says(cluster, f"the other side of eth{cable} speaks no LACP")
        assert replies(cluster, 2, "lb.lab", "10.0.0.1") == 3
    print(f"eth{cable} silently dead: {result[1]} of {result[0]} pings lost, ten a second")
    assert result[0] > 40
    assert result[1] <= 40


def test_both_dead_and_back(cluster: Cluster) -> None:
    heals(cluster)
    with silent(cluster, 2, 2, 3):
        says(cluster, "br-lag: nothing passes: bond-br-lag uses none of eth2, eth3", code=1)
        assert replies(cluster, 1, "la.lab", "10.0.0.2", 1) == 0
    heals(cluster)
    with unplugged(cluster, "t2.2"), unplugged(cluster, "t2.3"):
        says(cluster, "node2.lab: error: br-lag: no uplink has a link: eth2, eth3", code=1)
        assert replies(cluster, 1, "la.lab", "10.0.0.2", 1) == 0
    heals(cluster)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--reset", "lacp-time"),
        ("--lacp-time", "fast"),
        ("--trunks", "100,200"),
        ("--mtu", "1400", "--force"),
        ("--mtu", "1500"),
        ("--bond-mode", "balance-slb"),
        ("--bond-mode", "active-backup"),
        ("--bond-mode", "balance-tcp"),
    ],
)
def test_modify_under_traffic(arguments: tuple[str, ...], cluster: Cluster) -> None:
    heals(cluster)
    before = ofports(cluster)
    with pinging(cluster, 1, "la.lab", "10.0.0.2") as result:
        out = ovs(cluster, "modify-switch", "br-lag", *arguments)
        assert replies(cluster, 2, "lb.lab", "10.0.0.1") == 3
    assert out.count(": changed\n") == 3
    print(f"modify-switch {' '.join(arguments)}: {result[1]} of {result[0]} pings lost")
    assert result[0] > 15
    assert result[1] <= 10
    assert ofports(cluster) == before


def test_the_other_side_stops_speaking(cluster: Cluster, lag: OpenVSwitch) -> None:
    heals(cluster)
    lag.vsctl("set", "port", "lag3", "lacp=off")
    try:
        says(
            cluster,
            "node3.lab: error: br-lag: nothing passes: bond-br-lag uses none of eth2, eth3",
            code=1,
        )
    finally:
        lag.vsctl("set", "port", "lag3", "lacp=active")
    heals(cluster)
