"""The life of NICs on a real cluster: after every step, exactly the right ports everywhere.

The tests of this file build on each other and run in their order.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster
from tests.cluster.wire import frames, homes, longest_gap

GUESTS: dict[str, Guest] = {}
"""What must be; the tests keep it up to date."""


def add(
    cluster: Cluster, name: str, node: int, address: str, *vlans: str, link: str = "br0"
) -> str:
    nics = []
    for index, vlan in enumerate(vlans):
        nics += ["--net", f"{index}:link={link}" + (f",vlan={vlan}" if vlan else "")]
    GUESTS[name] = Guest(node, list(vlans))
    return cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
        "-n", f"node{node}.lab", "-H", f"kvm:kernel_args=quiet panic=1 lab.ip=eth0:{address}/24",
        *nics, name,
    )  # fmt: skip


def booted(cluster: Cluster, node: int, guest: str) -> None:
    """Wait until the guest's first NIC has its address."""
    look = "for i in $(seq 60); do ip addr show eth0 | grep -q inet && exit 0; sleep 0.5; done"
    cluster.guest(node, guest, f"{look}; exit 1")


def replies(cluster: Cluster, node: int, guest: str, address: str, count: int = 3) -> int:
    """How many of `count` pings come back."""
    out = cluster.guest(node, guest, f"ping -c {count} -i 0.2 -W 1 {address} || true")
    match = re.search(r"(\d+) packets received", out)
    assert match, out
    return int(match.group(1))


@contextmanager
def pinging(cluster: Cluster, node: int, guest: str, address: str) -> Iterator[list[int]]:
    """Ping from a guest during the block, ten times a second; then the list is [sent, lost]."""
    cluster.guest(node, guest, f"(ping -i 0.1 {address} >/tmp/ping 2>&1 &)")
    time.sleep(0.5)
    result = [0, 0]
    yield result
    time.sleep(1)
    out = cluster.guest(node, guest, "killall -INT ping; sleep 0.5; tail -3 /tmp/ping")
    match = re.search(r"(\d+) packets transmitted, (\d+) packets received", out)
    assert match, out
    sent, received = map(int, match.groups())
    result[:] = [sent, sent - received]


@pytest.fixture(scope="module", autouse=True)
def alone(cluster: Cluster) -> Iterator[None]:
    """Remove what the tests leave."""
    yield
    for name in list(GUESTS):
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name, check=False)
        GUESTS.pop(name)
    check(cluster, GUESTS)


def test_add(cluster: Cluster) -> None:
    add(cluster, "a.lab", 1, "10.0.0.1", ".100", ":10:20")
    add(cluster, "b.lab", 2, "10.0.0.2", ".100")
    add(cluster, "h.lab", 2, "10.0.0.3", ".2:10:20", "")
    check(cluster, GUESTS)
    for guest, node in (("a.lab", 1), ("b.lab", 2), ("h.lab", 2)):
        booted(cluster, node, guest)
    assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3
    assert replies(cluster, 1, "a.lab", "10.0.0.3", 2) == 0


def test_tagged_frames_of_a_hybrid_port(cluster: Cluster) -> None:
    """VLAN 10 tagged, from a trunk on one node to a hybrid port on another."""
    for node, guest, nic, address in (
        (1, "a.lab", "eth1", "10.1.0.1"),
        (2, "h.lab", "eth0", "10.1.0.3"),
    ):
        cluster.guest(
            node, guest,
            f"ip link add link {nic} name v10 type vlan id 10; ip link set v10 up;"
            f" ip addr add {address}/24 dev v10",
        )  # fmt: skip
    assert replies(cluster, 1, "a.lab", "10.1.0.3") == 3


@pytest.mark.parametrize(
    ("vlan", "link", "tags", "message"),
    [
        # Ours, or that of a patched Ganeti.
        ("9999", "br0", "", r"VLAN ID 9999 is not in 1-4094|'9999' \(VLAN IDs are 1-4094"),
        (".100", "nobr", "", "has no vSwitch nobr"),
        (".100", "br0;x y", "", "is no interface name"),
        (".100", "br0", "ovs:nic:0:max_bandwidth:fast", "max_bandwidth 'fast'"),
    ],
)
def test_add_is_refused_before_anything_is_made(
    vlan: str, link: str, tags: str, message: str, cluster: Cluster
) -> None:
    before = cluster.gnt("instance", "list", "--no-headers", "-o", "name")
    out = cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
        "-n", "node3.lab", "--net", f"0:link={link},vlan={vlan}",
        *(["--tags", tags] if tags else []), "bad.lab", check=False,
    )  # fmt: skip
    assert re.search(message, out.replace("\n", " ")), out
    assert cluster.gnt("instance", "list", "--no-headers", "-o", "name") == before
    check(cluster, GUESTS)


@pytest.mark.parametrize("kind", ["hard", "soft", "full"])
def test_reboot(kind: str, cluster: Cluster) -> None:
    cluster.gnt("instance", "reboot", f"--type={kind}", "--shutdown-timeout=0", "b.lab")
    check(cluster, GUESTS)
    booted(cluster, 2, "b.lab")


def test_vlan_changes_on_a_running_guest(cluster: Cluster) -> None:
    """Without hot-plug: Ganeti leaves the tap alone, the hook changes the live port."""
    tap = cluster.node(2).run("ip", "-o", "link", "show", "type", "tun").stdout
    cluster.modify("b.lab", "0:modify,vlan=.200")
    GUESTS["b.lab"].vlans[0] = ".200"
    check(cluster, GUESTS)
    assert cluster.node(2).run("ip", "-o", "link", "show", "type", "tun").stdout == tap
    assert replies(cluster, 1, "a.lab", "10.0.0.2", 2) == 0
    cluster.modify("b.lab", "0:modify,vlan=.100")
    GUESTS["b.lab"].vlans[0] = ".100"
    check(cluster, GUESTS)
    assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3


def test_other_changes_lose_no_frame(cluster: Cluster) -> None:
    with pinging(cluster, 1, "a.lab", "10.0.0.2") as result:
        cluster.modify("a.lab", "1:modify,vlan=.2:10:20")
        GUESTS["a.lab"].vlans[1] = ".2:10:20"
        check(cluster, GUESTS)
        cluster.gnt("instance", "add-tags", "b.lab", "ovs:nic:0:max_bandwidth:50M")
        out = cluster.node(2).run("gnt-ovs", "reconcile").stdout
        assert out.startswith("changed tap")
        GUESTS["b.lab"].limits[0] = 50_000_000
        check(cluster, GUESTS)
    sent, lost = result
    assert sent > 10
    assert lost == 0


def test_modify_is_refused(cluster: Cluster) -> None:
    out = cluster.modify("b.lab", "0:modify,vlan=:7:7", check=False)
    assert "VLAN 7 stands there twice" in out.replace("\n", " ")
    check(cluster, GUESTS)


def test_hot_plug(cluster: Cluster) -> None:
    cluster.modify("a.lab", "-1:add,link=br0,vlan=.300", hot=True)
    GUESTS["a.lab"].vlans.append(".300")
    check(cluster, GUESTS)
    cluster.modify("a.lab", "2:modify,vlan=.200", hot=True)
    GUESTS["a.lab"].vlans[2] = ".200"
    check(cluster, GUESTS)
    cluster.modify("a.lab", "1:remove", hot=True)
    GUESTS["a.lab"].vlans.pop(1)
    check(cluster, GUESTS)


def boot(cluster: Cluster, node: int, guest: str) -> str:
    """The ID of the guest's present boot; waits until it is up."""
    booted(cluster, node, guest)
    return cluster.guest(node, guest, "cat /proc/sys/kernel/random/boot_id").strip()


def test_migrate_there_and_back(cluster: Cluster) -> None:
    """Ports are on both nodes for seconds, but the MAC moves once, to the target.

    NOTE: under emulation one migration in some five ends in the guest's own panic as it resumes:
    "kernel BUG at mm/slub.c:419" (an skb freed twice) below virtio_net's free_old_xmit_skbs. The
    guest boots anew, and some 30 pings are lost, ten a second. Only migrations that the guest
    survives tell of lost frames, so one in each direction must be among ten.
    """
    (mac,) = (
        one["nics"][0]["mac"]
        for one in cluster.config()["instances"].values()
        if one["name"] == "b.lab"
    )
    survived: set[int] = set()
    for node in (3, 2) * 5:
        before = boot(cluster, 5 - node, "b.lab")
        with (
            frames(cluster, mac) as found,
            pinging(cluster, 1, "a.lab", "10.0.0.2") as result,
        ):
            cluster.gnt("instance", "migrate", "--force", "-n", f"node{node}.lab", "b.lab")
            GUESTS["b.lab"].node = node
            check(cluster, GUESTS)
        assert homes(found) == [f"t{5 - node}.1", f"t{node}.1"], longest_gap(found)
        sent, lost = result
        assert sent > 10
        if boot(cluster, node, "b.lab") == before:
            assert lost <= 5, f"{lost} of {sent} pings lost; {longest_gap(found)}"
            survived.add(node)
        if node == 2 and survived == {2, 3}:
            return
    pytest.fail(f"the guest survived migrations to {sorted(survived)} only")


def test_migrate_to_a_node_without_the_vswitch(cluster: Cluster) -> None:
    cluster.node(3).run("ovs-vsctl", "del-br", "br0")
    try:
        out = cluster.gnt("instance", "migrate", "--force", "-n", "node3.lab", "b.lab", check=False)
        assert "has no vSwitch br0" in out.replace("\n", " ")
        check(cluster, GUESTS)
        assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3
    finally:
        cluster.node(3).run(
            "ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
            "--", "add-port", "br0", "eth1",
        )  # fmt: skip


def test_failover(cluster: Cluster) -> None:
    cluster.gnt(
        "instance", "failover", "--force", "--shutdown-timeout=0", "-n", "node3.lab", "h.lab"
    )
    GUESTS["h.lab"].node = 3
    check(cluster, GUESTS)


def test_database_lost(cluster: Cluster) -> None:
    cluster.node(2).run(
        "sh", "-c",
        "kill $(cat /run/openvswitch/ovs-vswitchd.pid) $(cat /run/openvswitch/ovsdb-server.pid);"
        "sleep 1; rm /etc/openvswitch/conf.db;"
        "ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema;"
        "ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile"
        " --detach --no-chdir; ovs-vsctl --no-wait init;"
        "ovs-vswitchd --disable-system --pidfile --detach --no-chdir --log-file=/dev/null;"
        "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev -- add-port br0 eth1",
    )  # fmt: skip
    assert cluster.node(2).run("gnt-ovs", "reconcile").stdout.startswith("attached tap")
    check(cluster, GUESTS)
    assert replies(cluster, 1, "a.lab", "10.0.0.2") == 3


def test_vswitchd_restarted(cluster: Cluster) -> None:
    cluster.node(1).run(
        "sh", "-c",
        "kill $(cat /run/openvswitch/ovs-vswitchd.pid); sleep 1; ovs-vswitchd --disable-system"
        " --pidfile --detach --no-chdir --log-file=/dev/null; ovs-vsctl set Open_vSwitch . "
        "external_ids:x=1",
    )  # fmt: skip
    check(cluster, GUESTS)
    assert cluster.node(1).run("gnt-ovs", "reconcile").stdout == "nothing to do\n"


def test_node_daemon_killed_during_an_operation(cluster: Cluster) -> None:
    """Between two NICs of a guest: the first one's port outlives its tap, until the next operation.

    Killing the daemon's parent alone interrupts nothing, as its child ends the operation.
    """
    node = cluster.node(1)
    script = "/etc/ganeti/kvm-vif-bridge.local"
    # The daemon, its child that runs this operation (the parent of who called the script), and
    # our script, which would remove the first port as soon as the second tap has gone.
    text = r"""#!/bin/sh
    [ "$INTERFACE_INDEX" = 1 ] || exit 0
    child=$(sed -n 's/^PPid:\t//p' "/proc/$PPID/status")
    kill -KILL "$(cat /var/run/ganeti/ganeti-noded.pid)" "$child" $PPID
    """
    node.run("sh", "-c", f"cat >{script}; chmod 755 {script}", stdin=text)
    try:
        out = cluster.gnt(
            "instance", "reboot", "--type=hard", "--shutdown-timeout=0", "a.lab", check=False
        )
    finally:
        node.run("rm", script)
        node.run("ganeti-noded")
    assert "Could not reboot instance" in out
    GUESTS["a.lab"].node = 0
    left = [
        row["name"]
        for row in cluster.rows(1)["Interface"]
        if row["external_ids"].get("ganeti-instance") == "a.lab"
    ]
    assert left, "the daemon was killed too late or too early to leave anything"
    cluster.gnt("instance", "stop", "--timeout=0", "a.lab")
    check(cluster, GUESTS)
    cluster.gnt("instance", "start", "a.lab")
    GUESTS["a.lab"].node = 1
    check(cluster, GUESTS)


def test_stop_start_remove(cluster: Cluster) -> None:
    booted(cluster, 1, "a.lab")
    cluster.gnt("instance", "stop", "a.lab")  # the guest's own way
    GUESTS["a.lab"].node = 0
    check(cluster, GUESTS)
    cluster.gnt("instance", "start", "a.lab")
    GUESTS["a.lab"].node = 1
    check(cluster, GUESTS)
    for name in list(GUESTS):
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name)
        GUESTS.pop(name)
        check(cluster, GUESTS)


def test_nothing_of_it_reached_the_host(cluster: Cluster) -> None:
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert "tap" not in links
