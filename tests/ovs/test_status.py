"""The status of a node: many broken states, each made on a real Open vSwitch, each named.

One lab for all: whoever breaks it repairs it, and the node then has no problem again.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ganeti_ovs.model.plain import from_plain
from ganeti_ovs.model.status import NicState, NodeStatus, Problem, Severity
from tests.ovs.node import Node as Guests
from tests.ovs.node import nic
from tests.ovs.nodeapply import Node, Wanted, answer, document
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product

WISH: Wanted = {
    "br0": {
        "datapath_type": "netdev", "uplinks": "e0+e1", "bond_mode": "balance-tcp",
        "lacp": "active", "lacp_time": "fast",
    },
    "br2": {"datapath_type": "netdev", "uplinks": "f0"},
}  # fmt: skip
NICS = {
    0: nic(0, "tap0", 10, LINK="br0", TAGS="ovs:nic:0:max_bandwidth:10M"),
    1: nic(1, "tap1", 10, LINK="br2", VLAN=".10:20:30"),
}
APPLY = "gnt-ovs apply"
RECONCILE = "gnt-ovs reconcile"
RESTART = "systemctl restart openvswitch-switch"
LEFT = {"port-left", "rows-left"}
NIC0, NIC1 = "inst0.lab NIC 0 (tap0)", "inst1.lab NIC 0 (tap1)"


class Lab:
    """br0 with a bond to br1, the physical switch; br2 with one uplink; a guest on each."""

    def __init__(self, ovs: OpenVSwitch, product: Product) -> None:
        self.ovs, self.product = ovs, product
        self.node = Node(ovs, product)
        self.guests = Guests(ovs, product)

    def start(self) -> None:
        # NOTE: ovs-vswitchd leaves its bridges' devices when it ends, also those of other tests.
        for name in WISH:
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
        for end, far in (("e0", "p0"), ("e1", "p1"), ("f0", "q0")):
            self.cable(end, far)
        self.ovs.vsctl(
            "add-bond", "br1", "peer", "p0", "p1", "lacp=active", "bond_mode=balance-tcp",
            "other_config:lacp-time=fast",
        )  # fmt: skip
        self.node.run(WISH)
        for one in NICS.values():
            self.guests.start(one)
        self.right()

    def cable(self, end: str, far: str) -> None:
        run("ip", "link", "add", end, "type", "veth", "peer", "name", far)
        run("ip", "link", "set", end, "up")
        run("ip", "link", "set", far, "up")

    def status(self, wanted: Wanted | None = None) -> NodeStatus:
        command = ["node-status", *(["--document"] if wanted is not None else [])]
        started = time.monotonic()
        done = self.run(command, document(wanted) if wanted is not None else "")
        assert (done.returncode, done.stderr) == (0, "")
        assert time.monotonic() - started < 15
        (line,) = done.stdout.splitlines()
        data = json.loads(line)
        assert data["format"] == 1
        found = from_plain(NodeStatus, data)
        assert all("\n" not in one.line for one in found.problems)
        return found

    def run(self, command: list[str], text: str = "") -> Any:
        return subprocess.run(
            [str(self.product.gnt_ovs), *command],
            env=self.ovs.environ,
            cwd="/",
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def said(self, wanted: Wanted | None = None) -> list[str]:
        return [
            ("" if one.severity == Severity.ERROR else "warning: ") + one.line
            for one in self.status(wanted).problems
        ]

    def until(self, *lines: str) -> None:
        """Exactly this is wrong, soon: LACP, links and daemons take their time."""
        seen: list[list[str]] = []

        def so() -> bool:
            seen.append(self.said())
            return seen[-1] == [*lines]

        try:
            wait_until(so, "the status")
        except TimeoutError:
            assert seen[-1] == [*lines]

    def right(self) -> None:
        self.until()

    def appctl(self, *arguments: str) -> str:
        return run(
            "ovs-appctl", "-t", f"{self.ovs.dir}/ovs-vswitchd.{self.ovs.pid()}.ctl", *arguments
        )

    def reconcile(self) -> None:
        """What the words name."""
        assert self.guests.reconcile().returncode == 0
        self.right()

    def apply(self) -> None:
        self.node.run(WISH)
        self.right()


@pytest.fixture(scope="module")
def lab(private: None, product: Product) -> Iterator[Lab]:
    with OpenVSwitch() as ovs:
        ovs.add_bridge("br1")
        found = Lab(ovs, product)
        try:
            found.start()
            yield found
        finally:
            found.guests.close()
            for end in ("e0", "e1", "f0"):
                run("ip", "link", "del", end)


def test_a_right_node(lab: Lab) -> None:
    status = lab.status(WISH)
    assert status.problems == ()
    assert status.daemon is not None
    assert status.daemon.alive
    assert status.daemon.version
    assert "netdev" in status.daemon.datapath_types
    br0, br1, br2 = status.switches
    assert (br0.works, br0.wanted) == (True, br0.actual)
    assert {(one.name, one.link, one.enabled, one.lacp) for one in br0.uplinks} == {
        ("e0", "up", True, True),
        ("e1", "up", True, True),
    }
    assert br0.bonds[0].negotiated
    assert (br1.ours, br1.others) == (False, ("peer",))
    assert [one.name for one in br2.uplinks] == ["f0"]
    first, second = status.nics
    assert (first.state, second.state) == (NicState.UP, NicState.UP)
    assert (first.mac, first.mac) == (NICS[0]["MAC"], first.attached_mac)
    assert first.wanted is not None
    assert first.wanted == first.actual
    assert (first.wanted.vlan, first.wanted.sends) == (".10", 10_000_000)
    assert first.kernel_sends is None  # The kernel has no part in what this datapath polices,
    assert first.unpoliced  # and nobody does it.
    assert first.kernel_receives == 10_000_000
    assert (first.mtu, second.kernel_receives) == (1500, 0)
    assert first.ofport is not None
    assert first.traffic is not None


def test_it_is_quick_and_writes_nothing(lab: Lab) -> None:
    before, used = lab.ovs.rows("Interface"), os.times()
    lab.status()
    now = os.times()
    assert now.children_user + now.children_system - used.children_user - used.children_system < 1
    status = ("statistics", "link_resets")
    after = lab.ovs.rows("Interface")
    assert [_without(one, status) for one in after] == [_without(one, status) for one in before]


def _without(row: dict[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in columns}


def test_learned(lab: Lab) -> None:
    tap = lab.guests.guests.taps["inst0.lab"][0]
    mac = bytes.fromhex(NICS[0]["MAC"].replace(":", ""))
    tap.send(b"\xff" * 6 + mac + b"\x08\x06" + bytes(50))
    wait_until(lambda: bool(lab.status().nics[0].learned), "the switch's learning")
    (found,) = lab.status().nics[0].learned
    assert (found.mac, found.vlan) == (NICS[0]["MAC"], 10)


def test_vswitchd_hangs(lab: Lab) -> None:
    lab.ovs.freeze_vswitchd(True)
    try:
        status = lab.status()
    finally:
        lab.ovs.freeze_vswitchd(False)
    words = "ovs-vswitchd hangs: it has carried out nothing for 3 s: how its ports are is not known"
    assert [one.line for one in status.problems] == [f"{words}; {RESTART}"]
    assert {one.state for one in status.nics} == {NicState.UNKNOWN}
    assert {one.works for one in status.switches} == {None}
    lab.right()


def test_vswitchd_is_dead(lab: Lab) -> None:
    lab.ovs.stop_vswitchd()
    try:
        words = f"ovs-vswitchd is not running: how its ports are is not known; {RESTART}"
        assert lab.said() == [words]
    finally:
        lab.ovs.start_vswitchd()
    lab.right()


def test_ovsdb_server_hangs_or_is_dead(lab: Lab) -> None:
    lab.ovs.freeze_server(True)
    try:
        status = lab.status()
    finally:
        lab.ovs.freeze_server(False)
    (hangs,) = status.problems
    assert hangs.kind == "database-dead"
    hang = "Open vSwitch's database does not answer: no answer within 4 s"
    assert hangs.line == f"{hang}; {RESTART}"
    lab.ovs.stop_server()
    try:
        status = lab.status()
    finally:
        lab.ovs.start_server()
    (dead,) = status.problems
    assert (dead.kind, status.daemon) == ("database-dead", None)
    assert dead.line.startswith("Open vSwitch's database does not answer: ")
    assert dead.line.endswith(f"; {RESTART}")
    assert [(one.instance, one.state) for one in status.nics] == [
        ("inst0.lab", NicState.UNKNOWN),
        ("inst1.lab", NicState.UNKNOWN),
    ]
    lab.right()


def test_ports_by_hand(lab: Lab) -> None:
    lab.ovs.vsctl("set", "port", "tap0", "tag=20")
    lab.until(f"{NIC0}: its port is access .20, not access .10; {RECONCILE}")
    lab.reconcile()
    lab.ovs.vsctl("set", "interface", "tap0", "ingress_policing_rate=0")
    limit = "it may send without limit, not 10Mbit/s (burst 3000 kbit)"
    lab.until(f"{NIC0}: {limit}; {RECONCILE}")
    lab.reconcile()
    lab.ovs.vsctl("del-port", "tap1")
    lab.until(f"{NIC1}: it has no port: the guest has no network; {RECONCILE}")
    assert lab.status().nics[1].state == NicState.NO_PORT
    lab.reconcile()


def test_a_port_on_another_bridge(lab: Lab) -> None:
    port = lab.ovs.vsctl("get", "port", "tap0", "_uuid").strip()
    lab.ovs.vsctl(
        "remove", "bridge", "br0", "ports", port, "--", "add", "bridge", "br1", "ports", port
    )
    lab.until(f"{NIC0}: its port is on vSwitch br1, not br0; {RECONCILE}")
    lab.reconcile()


def test_attached_by_stock(lab: Lab) -> None:
    lab.ovs.vsctl("del-port", "tap1", "--", "add-port", "br2", "tap1", "tag=10")
    words = "its port was not made by ganeti-ovs: its port is access .10, not hybrid .10:20:30"
    lab.until(f"{NIC1}: {words}; {RECONCILE}")
    assert lab.status().nics[1].state == NicState.STOCK
    lab.reconcile()


def test_the_kernels_limits(lab: Lab) -> None:
    run("tc", "qdisc", "del", "dev", "tap0", "root")
    lab.until(f"{NIC0}: the kernel lets it receive without limit, not 10Mbit/s; {RESTART}")
    lab.ovs.stop_vswitchd()
    lab.ovs.start_vswitchd()
    lab.right()


def test_the_tap_is_set_down(lab: Lab) -> None:
    run("ip", "link", "set", "tap1", "down")
    lab.until(f"{NIC1}: its tap is set down: the guest has no network; ip link set tap1 up")
    run("ip", "link", "set", "tap1", "up")
    lab.right()


def test_links(lab: Lab) -> None:
    run("ip", "link", "set", "p0", "down")
    lab.until("warning: br0: e0 has no link")
    run("ip", "link", "set", "e1", "down")
    lab.until("br0: no uplink has a link: e0, e1 is set down; ip link set e1 up")
    for name in ("p0", "e1"):
        run("ip", "link", "set", name, "up")
    lab.right()


def test_lacp_without_partner(lab: Lab) -> None:
    lab.ovs.vsctl("set", "port", "peer", "lacp=off")
    silent = "the other side of e0, e1 speaks no LACP"
    lab.until(f"br0: nothing passes: bond-br0 uses none of e0, e1; {silent}")
    assert not lab.status().switches[0].bonds[0].negotiated
    lab.ovs.vsctl("set", "port", "peer", "lacp=active")
    lab.right()


def test_a_bond_with_one_member_disabled(lab: Lab) -> None:
    """With a delay, so that it stays disabled: not for the delay's time, but for ever."""
    changed = {**WISH, "br0": {"datapath_type": "netdev", "uplinks": "e0+e1"}}
    lab.ovs.vsctl("set", "port", "peer", "lacp=off", "bond_mode=active-backup")
    lab.node.run(changed)
    lab.until()
    lab.node.run({**changed, "br0": {**changed["br0"], "bond_updelay": "60000"}})
    lab.appctl("bond/disable-member", "bond-br0", "e1")
    lab.appctl("bond/disable-member", "bond-br0", "e0")
    waiting = [one for one in lab.status().switches[0].uplinks if one.delayed]
    assert len(waiting) == 1
    assert waiting[0].enabled is False
    lab.until()
    lab.ovs.vsctl("set", "port", "peer", "lacp=active", "bond_mode=balance-tcp")
    lab.apply()


def test_an_uplink_is_gone(lab: Lab) -> None:
    run("ip", "link", "del", "f0")
    lab.until("br2: uplink f0 is gone: bring the device back, or take it from the uplinks")
    lab.cable("f0", "q0")
    lab.right()
    lab.ovs.vsctl("del-port", "f0")
    lab.until(f"br2: differs: uplink f0 as port f0; {APPLY}")
    lab.apply()


def test_datapath_type_that_vswitchd_has_not(lab: Lab) -> None:
    lab.ovs.vsctl("set", "bridge", "br2", "datapath_type=system")
    lab.until(
        f"br2: differs: datapath_type system -> netdev; {APPLY}",
        "br2: nothing passes: ovs-vswitchd has no datapath_type system (load the module"
        " openvswitch, or take netdev)",
    )
    lab.apply()


def test_rstp_leaves_ports_blocked(lab: Lab) -> None:
    lab.ovs.vsctl("set", "bridge", "br2", "rstp_enable=true")
    wait_until(lambda: lab.appctl("rstp/show", "br2").count("Forwarding") == 1, "RSTP")
    lab.until(f"br2: differs: rstp true -> false; {APPLY}")
    lab.ovs.vsctl("set", "bridge", "br2", "rstp_enable=false")
    lab.until(f"br2: no broadcast leaves by f0: left so by RSTP, or no-flood; {RESTART}")
    lab.ovs.stop_vswitchd()
    lab.ovs.start_vswitchd()
    lab.right()


def test_a_port_that_is_not_flooded(lab: Lab) -> None:
    target = f"unix:{lab.ovs.dir}/br2.mgmt"
    run("ovs-ofctl", "mod-port", target, "tap1", "no-flood")
    lab.until(f"br2: no broadcast leaves by tap1: left so by RSTP, or no-flood; {RESTART}")
    run("ovs-ofctl", "mod-port", target, "tap1", "flood")
    lab.right()


def test_flows_by_hand(lab: Lab) -> None:
    target = f"unix:{lab.ovs.dir}/br2.mgmt"
    run("ovs-ofctl", "add-flow", target, "table=7,priority=5,arp,actions=drop")
    run("ovs-ofctl", "add-flow", target, "priority=7,arp,in_port=99,actions=drop")
    lab.right()
    run("ovs-ofctl", "add-flow", target, "priority=65535,actions=drop")
    lab.until(
        "br2: nothing passes: flows that somebody has set drop all; see ovs-ofctl dump-flows br2"
    )
    run("ovs-ofctl", "del-flows", target)
    normal = "priority=0,actions=normal"
    lab.until(f"br2: nothing passes: it has no flows; ovs-ofctl add-flow br2 {normal}")
    run("ovs-ofctl", "add-flow", target, normal)
    lab.right()


def test_an_uplink_that_is_retagged(lab: Lab) -> None:
    lab.ovs.vsctl("set", "port", "f0", "tag=99")
    how = "of tap1 (inst1.lab, NIC 0) does not pass the uplink (tag 99)"
    cut = [f"warning: br2: VLAN {vlan} {how}" for vlan in (10, 20, 30)]
    lab.until(f"br2: differs: f0: tag 99 -> unset; {APPLY}", *cut)
    lab.apply()


def test_controller_and_fail_mode(lab: Lab) -> None:
    lab.ovs.vsctl("set-controller", "br2", "tcp:127.0.0.1:1")
    lab.until(
        "warning: br2: its controller tcp:127.0.0.1:1 (not connected) decides what passes; unless"
        " that is wanted: ovs-vsctl del-controller br2"
    )
    lab.ovs.vsctl("set-fail-mode", "br2", "secure")
    lab.until(
        f"br2: differs: fail_mode secure -> standalone; {APPLY}",
        "br2: fail_mode is secure and tcp:127.0.0.1:1 is not connected: all guests on it are cut"
        " off; ovs-vsctl del-fail-mode br2",
    )
    lab.ovs.vsctl("del-controller", "br2")
    lab.apply()


def test_trunks_without_a_guests_vlan(lab: Lab) -> None:
    lab.node.run({**WISH, "br2": {**WISH["br2"], "trunks": "10+20"}}, "--force")
    tap = "tap1 (inst1.lab, NIC 0)"
    lab.until(f"warning: br2: VLAN 30 of {tap} does not pass the uplink (trunks)")
    lab.apply()


def test_a_mistyped_tag(lab: Lab) -> None:
    wrong = {**NICS[0], "TAGS": "ovs:nic:0:max_bandwith:10M"}
    lab.guests.guests.configuration(wrong, NICS[1])
    try:
        (line,) = lab.said()
    finally:
        os.unlink(f"{lab.ovs.environ['LOCALSTATEDIR']}/lib/ganeti/config.data")
    assert line.startswith(
        f"{NIC0}: instance tag 'ovs:nic:0:max_bandwith:10M' is unknown: did you mean "
    )
    lab.right()


@contextmanager
def away(lab: Lab, text: str | None) -> Iterator[None]:
    """The node keeps this instead of its document."""
    kept = lab.node.stored.read_text()
    if text is None:
        lab.node.stored.unlink()
    else:
        lab.node.stored.write_text(text)
    try:
        yield
    finally:
        lab.node.stored.write_text(kept)


def test_the_document(lab: Lab) -> None:
    with away(lab, None):
        missing = "it keeps no description of its vSwitches"
        assert lab.said() == [f"{missing}, but has br0, br2; {APPLY}"]
        assert lab.said(WISH) == [f"{missing}: they are not restored at its next start; {APPLY}"]
    with away(lab, "{"):
        broken = f"the description of its vSwitches that it keeps is broken; {APPLY}"
        assert lab.said(WISH) == [broken]
    assert lab.said({**WISH, "br3": {"datapath_type": "netdev"}}) == [
        f"it keeps another description for its next start; {APPLY}",
        f"br3: it is not there; {APPLY}",
    ]
    done = lab.run(["node-status", "--document"], "nonsense")
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["kind"] == "document-sent"
    lab.right()


def test_a_device_that_two_vswitches_claim(lab: Lab) -> None:
    both: Wanted = {"br0": {"uplinks": "e0"}, "br2": {"uplinks": "e0"}}
    assert lab.said(both) == ["vSwitches br0 and br2 both claim e0"]
    taken: Wanted = {**WISH, "br2": {"datapath_type": "netdev", "uplinks": "p0"}}
    assert "br2: p0 is on vSwitch br1 already" in lab.said(taken)


def test_guests_come_and_go_without_false_alarm(lab: Lab) -> None:
    """But for the moment between a guest's end and the hook that removes its port."""
    coming = nic(3, "tap3", 10, LINK="br2", TAGS="ovs:nic:0:max_bandwidth:10M")

    def look() -> list[Problem]:
        looks = [lab.status() for _number in range(8)]
        return [one for status in looks for one in status.problems if one.kind not in LEFT]

    looking = lab.guests.pool.submit(look)
    while not looking.done():
        lab.guests.start(coming)
        lab.guests.stop("inst3.lab")
        assert lab.guests.hook("instance-stop", coming).returncode == 0
    assert looking.result() == []
    lab.right()


def test_in_the_middle_of_a_change(lab: Lab) -> None:
    """What differs then is no drift."""
    changed = {**WISH, "br2": {**WISH["br2"], "mcast_snooping": "yes"}}
    with lab.node.start(changed, "--confirm", "30") as change:
        answer(change)
        (line,) = lab.said()
        change.communicate("no\n", timeout=30)
    assert line.startswith("warning: another change of this node's vSwitches is under way")
    lab.right()


def test_nothing_kept_is_right(product: Product, private: None) -> None:
    """Where Ganeti keeps no vSwitch, somebody else's are no problem, nor is no Open vSwitch."""
    with OpenVSwitch() as ovs:
        ovs.add_bridge("br9")
        lab = Lab(ovs, product)
        assert lab.said() == lab.said({}) == []
        ovs.stop_server()
        assert lab.said() == lab.said({}) == []
        ovs.start_server()


def test_the_database_is_lost(lab: Lab) -> None:
    lab.ovs.lose_database()
    lines = lab.said()
    assert lines[:2] == [f"br0: it is not there; {APPLY}", f"br2: it is not there; {APPLY}"]
    for name, switch in ((NIC0, "br0"), (NIC1, "br2")):
        words = "it has no port: the guest has no network"
        assert f"{name}: {words}; this node has no vSwitch {switch}; {RECONCILE}" in lines
