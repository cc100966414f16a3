"""What is wrong with a node, by what was found: a right one is silent, and each fault has words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.operations import Insert, Mutate
from ganeti_ovs.model.plug import Plug
from ganeti_ovs.model.reported import Asked, Bond, Columns, Datapath, Device, Limits
from ganeti_ovs.model.status import NicState, NodeStatus, PortSettings, Problem, Severity
from ganeti_ovs.model.vlan import parse_vlan, port_type_for
from ganeti_ovs.ovsdb.live import snapshot
from ganeti_ovs.plan.current import Current, Host
from ganeti_ovs.plan.found import Found, Guest, Wanted
from ganeti_ovs.plan.judge import constant, judge
from ganeti_ovs.plan.port import attach
from ganeti_ovs.plan.portsplan import DesiredPorts, plan_ports
from ganeti_ovs.plan.vswitch import plan_switches
from tests.unit.simulated import Database
from tests.unit.test_plan_vswitch import apply, switch

UPLINKS = ("eth0", "eth1")
WISH = {"datapath_type": "netdev", "uplinks": "eth0+eth1", "bond_mode": "balance-tcp"}
PLUG = Plug("boot", 9, 1)
NIC = Nic(
    instance="inst1.lab", index=0, uuid="bdc23741-5995-403d-8ac7-475db57bbb6f",
    mac="aa:00:00:00:00:01", tap="tap0", switch="br0", vlan=parse_vlan(".10"),
    port_type=port_type_for(parse_vlan(".10"), None), max_bandwidth=10_000_000, plug=PLUG.text(),
)  # fmt: skip
UP = Device(1, True, True, 1500)


class World:
    """A node that is right: br0 with a bond, and a guest on it. Tests make it wrong."""

    def __init__(self, **settings: str) -> None:
        self.wanted = switch("br0", **{**WISH, "lacp": "active", **settings})
        self.database = Database()
        self.database.tables["Queue"], self.database.tables["QoS"] = {}, {}
        apply(self.database, self.wanted, host=Host(frozenset(UPLINKS)))
        operations = [one for one in attach(NIC) if isinstance(one, Insert | Mutate)]
        self.database.carry_out(operations)
        for number, row in enumerate(self.database.tables["Interface"].values()):
            row |= {"ofport": 65534 if row["name"] == "br0" else number + 1, "link_state": "up"}
            row["lacp_current"] = True
        self.dead = ""
        self.columns = Columns("3.1.0", ("netdev",))
        ports = {"br0": 1, "eth0": 2, "eth1": 3, "tap0": 4}
        self.asked = Asked(
            "3.1.0",
            {"br0": Datapath("netdev", ports)},
            {"bond-br0": Bond({"eth0": True, "eth1": True}, active="eth0", negotiated=True)},
            floods={"br0": {10: frozenset({2, 4})}},
        )
        self.devices: dict[str, Device] | None = dict.fromkeys(("tap0", *UPLINKS), UP)
        self.limits: dict[str, Limits] | None = {"tap0": Limits(receives=10_000_000)}
        self.kept: str | None = "d"
        self.sent: str | None = None
        self.guest = Guest(NIC.instance, "0", NIC.uuid, "tap0", NIC.mac)
        self.nic: Nic | None = NIC

    def row(self, table: str, name: str, /, **columns: Any) -> None:
        (found,) = (one for one in self.database.tables[table].values() if one["name"] == name)
        found.update(columns)

    def found(self) -> Found:
        tables = self.database.rows()
        devices = frozenset(self.devices or ())
        wanted = (self.wanted,) if self.kept is not None or self.sent is not None else None
        nics = {"tap0": self.nic} if self.nic else {}
        desired = DesiredPorts(nics, {"tap0": PLUG} if "tap0" in devices else {})
        return Found(
            tables=tables,
            dead=self.dead,
            columns=self.columns,
            asked=self.asked,
            devices=self.devices,
            limits=self.limits,
            wanted=Wanted(wanted, self.kept, self.sent),
            plan=None if wanted is None else plan_switches(wanted, Current(tables), Host(devices)),
            guests={"tap0": self.guest},
            desired=desired,
            snapshot=snapshot(tables),
            ports=plan_ports(desired, snapshot(tables)),
        )

    def status(self) -> NodeStatus:
        return judge(self.found(), "node1", "0.1.0")


def lines(world: World) -> list[str]:
    return [_line(one) for one in world.status().problems]


def _line(problem: Problem) -> str:
    assert len(problem.line) <= 120, problem.line
    return ("" if problem.severity == Severity.ERROR else "warning: ") + problem.line


def test_a_right_node_is_silent() -> None:
    status = World().status()
    assert status.problems == ()
    (br0,) = status.switches
    assert br0.works is True
    assert br0.wanted == br0.actual == {**WISH, "lacp": "active"}
    assert [(one.name, one.enabled, one.lacp) for one in br0.uplinks] == [
        ("eth0", True, True),
        ("eth1", True, True),
    ]
    (nic,) = status.nics
    assert (nic.state, nic.actual) == (NicState.UP, nic.wanted)
    assert nic.wanted == PortSettings(
        "br0", "access", ".10", 10_000_000, 10_000_000, 3_000_320, 524_288
    )


SUBJECT = "inst1.lab NIC 0 (tap0)"
APPLY = "gnt-ovs apply"
RECONCILE = "gnt-ovs reconcile"
RESTART = "systemctl restart openvswitch-switch"


def dead(world: World) -> None:
    world.dead = "ovs-vswitchd is not running"
    world.asked = Asked()


def wrong_datapath(world: World) -> None:
    world.row("Bridge", "br0", datapath_type="system")
    world.asked = replace(world.asked, datapaths={})


def no_datapath(world: World) -> None:
    world.asked = replace(world.asked, datapaths={})


def secure(world: World) -> None:
    world.row("Bridge", "br0", fail_mode="secure")


def controller(world: World) -> None:
    world.columns = replace(world.columns, controllers={"br0": {"tcp:10.0.0.1": True}})


def blocked(world: World) -> None:
    world.asked = replace(world.asked, floods={"br0": {10: frozenset({2})}})


def gone(world: World) -> None:
    assert world.devices
    del world.devices["eth1"]


def refused(world: World) -> None:
    world.row("Interface", "eth1", ofport=["set", []], error="device is busy")


def link(up: bool, carrier: bool, *names: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        assert world.devices
        world.devices.update(dict.fromkeys(names, Device(2, up, carrier, 1500)))

    return change


def bond(**enabled: bool) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.asked = replace(world.asked, bonds={"bond-br0": Bond(enabled, negotiated=True)})

    return change


def delayed(world: World) -> None:
    enabled = {"eth0": True, "eth1": False}
    found = Bond(enabled, frozenset({"eth1"}), negotiated=True)
    world.asked = replace(world.asked, bonds={"bond-br0": found})


def silent(world: World) -> None:
    bond(eth0=False, eth1=False)(world)
    for name in UPLINKS:
        world.row("Interface", name, lacp_current=False)


def half_silent(world: World) -> None:
    world.row("Interface", "eth1", lacp_current=False)


def small_mtu(world: World) -> None:
    assert world.devices
    world.devices.update(dict.fromkeys(UPLINKS, Device(2, True, True, 1400)))


def retagged(world: World) -> None:
    world.row("Port", "tap0", tag=20)


def unpoliced(world: World) -> None:
    world.row("Interface", "tap0", ingress_policing_rate=0)


def shaped_otherwise(world: World) -> None:
    world.limits = {"tap0": Limits()}


def unmarked(world: World) -> None:
    for table in ("Port", "Interface"):
        world.row(table, "tap0", external_ids=["map", []])


def failed(world: World) -> None:
    world.row("Interface", "tap0", ofport=-1, error="no such device")


def tap_down(world: World) -> None:
    link(False, False, "tap0")(world)


def tags(world: World) -> None:
    world.nic = None
    words = "instance tag 'ovs:nic:0:max_bandwith:1M' is unknown"
    world.guest = replace(world.guest, trouble=words, trouble_kind="nic-wrong")


def drift(world: World) -> None:
    world.row("Bridge", "br0", datapath_type="netdev", mcast_snooping_enable=True)
    settings = " ".join(("datapath_type", "mcast_snooping"))
    ids = [["ganeti-ovs", "1"], ["ganeti-ovs-settings", settings], ["bridge-id", "br0"]]
    world.row("Bridge", "br0", external_ids=["map", ids])


def unkept(world: World) -> None:
    world.kept = None


def kept_another(world: World) -> None:
    world.sent = "another"


def never_kept(world: World) -> None:
    world.kept, world.sent = None, "d"


def broken(world: World) -> None:
    world.kept = ""


def empty(world: World) -> None:
    world.database.tables["Open_vSwitch"] = {
        key: {**row, "bridges": ["set", []]}
        for key, row in world.database.tables["Open_vSwitch"].items()
    }
    for table in ("Bridge", "Port", "Interface", "QoS", "Queue"):
        world.database.tables[table] = {}


WRONG: list[tuple[Callable[[World], None], list[str]]] = [
    (dead, [f"ovs-vswitchd is not running: how its ports are is not known; {RESTART}"]),
    (
        wrong_datapath,
        [
            f"br0: differs: datapath_type system -> netdev; {APPLY}",
            "br0: nothing passes: ovs-vswitchd has no datapath_type system (load the module"
            " openvswitch, or take netdev)",
        ],
    ),
    (
        no_datapath,
        [
            "br0: nothing passes: ovs-vswitchd has no netdev datapath for it; see its log;"
            f" {RESTART}"
        ],
    ),
    (
        secure,
        [
            f"br0: differs: fail_mode secure -> standalone; {APPLY}",
            "br0: fail_mode is secure and it has no controller: all guests on it are cut off;"
            " ovs-vsctl del-fail-mode br0",
        ],
    ),
    (
        controller,
        [
            "warning: br0: its controller tcp:10.0.0.1 (connected) decides what passes; unless that"
            " is wanted: ovs-vsctl del-controller br0"
        ],
    ),
    (blocked, [f"br0: no broadcast leaves by tap0: left so by RSTP, or no-flood; {RESTART}"]),
    (gone, ["br0: uplink eth1 is gone: bring the device back, or take it from the uplinks"]),
    (refused, ["br0: ovs-vswitchd refuses eth1: device is busy"]),
    (link(True, False, "eth0"), ["warning: br0: eth0 has no link"]),
    (link(False, False, "eth0"), ["warning: br0: eth0 is set down; ip link set eth0 up"]),
    (link(True, False, *UPLINKS), ["br0: no uplink has a link: eth0, eth1"]),
    (
        bond(eth0=False, eth1=False),
        [
            "br0: nothing passes: bond-br0 uses none of eth0, eth1; LACP is not agreed with the"
            " other side"
        ],
    ),
    (
        silent,
        [
            "br0: nothing passes: bond-br0 uses none of eth0, eth1; the other side of eth0, eth1"
            " speaks no LACP"
        ],
    ),
    (half_silent, ["warning: br0: bond-br0: the other side of eth1 speaks no LACP"]),
    (
        bond(eth0=True, eth1=False),
        [
            "warning: br0: bond-br0 does not use eth1, though it has a link; ovs-appctl"
            " bond/enable-member bond-br0 eth1"
        ],
    ),
    (delayed, []),
    (
        small_mtu,
        ["warning: br0: a guest's port has an MTU of 1500, the uplink's is only 1400"],
    ),
    (retagged, [f"{SUBJECT}: its port is access .20, not access .10; {RECONCILE}"]),
    (
        unpoliced,
        [f"{SUBJECT}: it may send without limit, not 10Mbit/s (burst 3000 kbit); {RECONCILE}"],
    ),
    (
        shaped_otherwise,
        [f"{SUBJECT}: the kernel lets it receive without limit, not 10Mbit/s; {RESTART}"],
    ),
    (
        unmarked,
        [
            f"warning: {SUBJECT}: its port was not made by ganeti-ovs, and nothing keeps it right;"
            f" {RECONCILE}"
        ],
    ),
    (
        failed,
        [f"{SUBJECT}: ovs-vswitchd refuses its port: no such device; see its log; {RECONCILE}"],
    ),
    (
        tap_down,
        [f"{SUBJECT}: its tap is set down: the guest has no network; ip link set tap0 up"],
    ),
    (tags, [f"{SUBJECT}: instance tag 'ovs:nic:0:max_bandwith:1M' is unknown"]),
    (drift, [f"br0: differs: mcast_snooping true -> false; {APPLY}"]),
    (unkept, [f"it keeps no description of its vSwitches, but has br0; {APPLY}"]),
    (kept_another, [f"it keeps another description for its next start; {APPLY}"]),
    (
        never_kept,
        [
            "it keeps no description of its vSwitches: they are not restored at its next start;"
            f" {APPLY}"
        ],
    ),
    (broken, [f"the description of its vSwitches that it keeps is broken; {APPLY}"]),
    (
        empty,
        [
            f"br0: it is not there; {APPLY}",
            f"{SUBJECT}: it has no port: the guest has no network; this node has no vSwitch br0;"
            f" {RECONCILE}",
        ],
    ),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_wrong_is_said(change: Callable[[World], None], said: list[str]) -> None:
    world = World()
    change(world)
    assert lines(world) == said


def test_a_dead_daemons_words_do_not_count() -> None:
    world = World()
    dead(world)
    status = world.status()
    assert status.daemon is not None
    assert not status.daemon.alive
    (nic,) = status.nics
    assert (nic.state, nic.ofport, nic.traffic) == (NicState.UNKNOWN, None, None)
    (br0,) = status.switches
    assert br0.works is None
    assert {one.ofport for one in br0.uplinks} == {None}


def test_what_was_not_found_out_is_not_said_to_be_good() -> None:
    world = World()
    world.devices = world.limits = None
    world.asked = Asked()
    status = world.status()
    (nic,) = status.nics
    assert (nic.state, nic.link, nic.kernel_receives) == (NicState.UNKNOWN, "", None)
    (br0,) = status.switches
    assert (br0.works, {one.link for one in br0.uplinks}) == (None, {""})


def test_the_userspace_datapath_has_no_policer_in_the_kernel() -> None:
    world = World()
    world.limits = {"tap0": Limits(sends=5, receives=10_000_000)}
    (nic,) = world.status().nics
    assert (nic.kernel_sends, nic.unpoliced) == (None, True)
    assert lines(world) == []


def test_a_port_without_its_guest() -> None:
    """Is shown with what it says itself, and is nothing that any guest lacks."""
    world = World()
    found = replace(world.found(), guests={})
    status = judge(found, "n1", "0")
    (nic,) = status.nics
    assert (nic.state, nic.instance, nic.index, nic.uuid) == (
        NicState.NO_GUEST, "inst1.lab", "0", NIC.uuid,
    )  # fmt: skip
    assert nic.actual
    assert (nic.actual.vlan, nic.wanted and nic.wanted.vlan) == (".10", ".10")
    unasked = judge(replace(world.found(), guests=None), "n1", "0")
    assert [one.state for one in unasked.nics] == [NicState.UNKNOWN]


def test_uplinks_that_are_no_devices_of_the_kernel() -> None:
    """Tunnels, DPDK: ovs-vswitchd's word counts for them."""
    world = World()
    world.row("Interface", "eth1", type="dpdk", mtu=1500)
    assert world.devices
    del world.devices["eth1"]
    kept = [one.link for one in world.status().switches[0].uplinks]
    assert kept == ["up", "up"]
    world.row("Interface", "eth1", link_state="down")
    assert "warning: br0: eth1 has no link" in lines(world)


def test_what_apply_would_not_do() -> None:
    world = World()
    world.wanted = switch("br0", **{**WISH, "lacp": "active", "uplinks": "eth0+eth1+eth2"})
    assert "br0: this node has no device eth2" in lines(world)


def test_ports_that_are_left() -> None:
    world = World()
    assert world.devices
    world.devices.pop("tap0")
    world.nic = None
    found = replace(world.found(), guests={})
    (left,) = judge(found, "node1", "0.1.0").problems
    assert left.line == "tap0: its port is left, though its guest is gone; gnt-ovs reconcile"
    assert left.severity == Severity.WARNING


def test_a_port_that_cannot_be_put_right() -> None:
    world = World()
    world.row("Port", "tap0", name="other0")
    problem = world.status().problems[0]
    assert (problem.kind, problem.subject) == ("port-missing", SUBJECT)
    assert "part of port other0, which is not ours" in problem.words


def test_somebody_elses_qdisc_goes_first() -> None:
    """On the kernel's datapath, where what a guest sends is policed."""
    world = World(datapath_type="system")
    world.columns = Columns("3.1.0", ("system", "netdev"))
    world.asked = replace(
        world.asked, datapaths={"br0": Datapath("system", {"br0": 1, "tap0": 4})}, floods={}
    )
    world.limits = {"tap0": Limits(10_000_000, 10_000_000)}
    assert lines(world) == []
    less = "the kernel lets it send without limit, not 10Mbit/s"
    world.limits = {"tap0": Limits(0, 10_000_000)}
    assert lines(world) == [f"{SUBJECT}: {less}; {RESTART}"]
    world.limits = {"tap0": Limits(0, 10_000_000, foreign=True)}
    (problem,) = world.status().problems
    assert problem.repair == f"tc qdisc del dev tap0 clsact && {RESTART}"


def test_what_is_wrong_for_a_moment_is_not_said() -> None:
    """Of looks between which something changes all the time."""
    stays, goes, comes = (
        Problem(Severity.ERROR, kind, "", "tap0") for kind in ("stays", "goes", "comes")
    )
    looks = [NodeStatus("n1", "1", problems=some) for some in ((stays, goes), (stays, comes))]
    assert constant(looks).problems == (stays,)
    assert constant(looks[1:]) == looks[1]
