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
        self.others: dict[str, str] = {}
        self.changing = False
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
        plugs = {"tap0": PLUG} if "tap0" in devices else {}
        desired = DesiredPorts(nics, plugs, frozenset(self.others))
        return Found(
            tables=tables,
            dead=self.dead,
            columns=self.columns,
            asked=self.asked,
            devices=self.devices,
            limits=self.limits,
            wanted=Wanted(wanted, self.kept, self.sent, self.changing),
            plan=None if wanted is None else plan_switches(wanted, Current(tables), Host(devices)),
            guests={"tap0": self.guest} if "tap0" not in self.others else {},
            others=self.others,
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
STOCK = f"{SUBJECT}: its port was not made by ganeti-ovs, and nothing keeps it right; {RECONCILE}"


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


def dropping(flows: int) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.asked = replace(world.asked, floods={}, dropping={"br0": flows})

    return change


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


def uplink(**columns: Any) -> Callable[[World], None]:
    return lambda world: world.row("Port", "bond-br0", **columns)


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


def moved_without_port(world: World) -> None:
    """Its tags by index mean another NIC by now, which harms nobody; and its port is gone."""
    moved(world)
    empty(world)


def moved(world: World) -> None:
    words = "its tags by index stay those of NIC 1"
    world.guest = replace(world.guest, trouble=words, trouble_kind="index-moved")


def stock_and(change: Callable[[World], None]) -> Callable[[World], None]:
    def both(world: World) -> None:
        unmarked(world)
        change(world)

    return both


def another_shaper(world: World) -> None:
    for row in world.database.tables["QoS"].values():
        row["type"] = "linux-hfsc"
    world.limits = {"tap0": Limits()}


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
        dropping(0),
        ["br0: nothing passes: it has no flows; ovs-ofctl add-flow br0 priority=0,actions=normal"],
    ),
    (
        dropping(2),
        ["br0: nothing passes: flows that somebody has set drop all; see ovs-ofctl dump-flows br0"],
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
    (
        uplink(tag=99),
        [
            f"br0: differs: bond-br0: tag 99 -> unset; {APPLY}",
            "warning: br0: VLAN 10 of tap0 (inst1.lab, NIC 0) does not pass the uplink (tag 99)",
        ],
    ),
    (
        uplink(vlan_mode="dot1q-tunnel", tag=10),
        [
            f"br0: differs: bond-br0: vlan_mode dot1q-tunnel -> unset; {APPLY}",
            f"br0: differs: bond-br0: tag 10 -> unset; {APPLY}",
        ],
    ),
    (uplink(vlan_mode="trunk"), []),
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
        [f"warning: {STOCK}"],
    ),
    (
        stock_and(failed),
        [
            f"{SUBJECT}: ovs-vswitchd refuses its port: no such device; see its log; {RECONCILE}",
            f"warning: {STOCK}",
        ],
    ),
    (
        stock_and(tap_down),
        [
            f"{SUBJECT}: its tap is set down: the guest has no network; ip link set tap0 up",
            f"warning: {STOCK}",
        ],
    ),
    (
        stock_and(uplink(tag=99)),
        [
            f"br0: differs: bond-br0: tag 99 -> unset; {APPLY}",
            "warning: br0: VLAN 10 of tap0 (inst1.lab, NIC 0) does not pass the uplink (tag 99)",
            f"warning: {STOCK}",
        ],
    ),
    (moved, [f"warning: {SUBJECT}: its tags by index stay those of NIC 1"]),
    (
        moved_without_port,
        [
            f"br0: it is not there; {APPLY}",
            f"{SUBJECT}: it has no port: the guest has no network; this node has no vSwitch br0;"
            f" {RECONCILE}",
            f"warning: {SUBJECT}: its tags by index stay those of NIC 1",
        ],
    ),
    (another_shaper, [f"{SUBJECT}: its port is not as it is wanted; {RECONCILE}"]),
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


@pytest.mark.parametrize(
    ("kept", "sent", "repair"),
    [("d", None, RECONCILE), ("d", "d", RECONCILE), (None, "d", APPLY), ("other", "d", APPLY)],
)
def test_a_lost_vswitch_is_restored_by_who_knows_it(
    kept: str | None, sent: str | None, repair: str
) -> None:
    """The node itself, if it keeps the description."""
    world = World()
    empty(world)
    world.kept, world.sent = kept, sent
    (missing,) = (one for one in world.status().problems if one.kind == "port-missing")
    assert missing.repair == repair


def test_the_state_of_a_nic() -> None:
    """In one word, the worst one."""
    for change, state in (
        (moved, NicState.UP),
        (tags, NicState.UNKNOWN),
        (unmarked, NicState.STOCK),
        (stock_and(failed), NicState.FAILED),
    ):
        world = World()
        change(world)
        assert [one.state for one in world.status().nics] == [state]


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


def test_a_dead_daemon_that_nobody_needs_is_no_problem() -> None:
    world = World()
    dead(world)
    database = Database()
    database.tables["Queue"], database.tables["QoS"] = {}, {}
    rows = database.rows()
    bare = replace(
        world.found(), tables=rows, snapshot=snapshot(rows), guests={}, desired=None, plan=None,
        ports=None, wanted=Wanted((), "d"),
    )  # fmt: skip
    assert judge(bare, "node1", "0.1.0").problems == ()
    unknown = replace(bare, guests=None)
    assert [one.kind for one in judge(unknown, "node1", "0.1.0").problems] == ["vswitchd-dead"]


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
    assert world.status().nics[0].kernel_sends is None
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


def test_an_uplink_that_is_retagged_by_hand() -> None:
    """Also where it has trunks; apply heals it."""
    world = World(trunks="10+20")
    assert lines(world) == []
    for columns, change in (
        ({"vlan_mode": "access"}, "vlan_mode access -> trunk"),
        ({"tag": 99, "vlan_mode": ["set", []]}, "tag 99 -> unset"),
    ):
        world.row("Port", "bond-br0", **columns)
        assert world.status().switches[0].trunks == (columns.get("tag", 0),)
        differs, cut = lines(world)
        assert differs == f"br0: differs: bond-br0: {change}; {APPLY}"
        assert cut.startswith("warning: br0: VLAN 10 of tap0 (inst1.lab, NIC 0) does not pass")
        apply(world.database, world.wanted, host=Host(frozenset(UPLINKS)))
        assert lines(world) == []


def test_a_tag_on_an_uplink_that_was_adopted_with_it() -> None:
    """Stays, and is said."""
    world = World()
    ids = [["ganeti-ovs", "1"], ["ganeti-ovs-settings", "bond_mode lacp"]]
    world.row("Port", "bond-br0", tag=10, external_ids=["map", ids])
    assert lines(world) == ["warning: br0: bond-br0: tag 10 was set by hand and stays"]


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


def test_a_port_that_is_left_on_another_guests_tap() -> None:
    """Whose NIC is bridged: it is in the vSwitch, too."""
    world = World()
    world.nic, world.others = None, {"tap0": "inst2.lab"}
    assert lines(world) == [
        "inst2.lab (tap0): a port of a guest that is gone has it in vSwitch br0, which it is not"
        f" for; {RECONCILE}"
    ]


def test_a_guest_that_has_ended_meanwhile() -> None:
    """Its tap was there when the kernel was asked for devices, and no more for limits or floods."""
    world = World()
    blocked(world)
    shaped_otherwise(world)
    assert len(lines(world)) == 2
    found = world.found()
    assert found.devices
    gone = replace(found, devices={name: found.devices[name] for name in UPLINKS})
    assert judge(gone, "node1", "0.1.0").problems == ()


@pytest.mark.parametrize("change", [kept_another, never_kept, unkept])
def test_what_it_keeps_is_not_judged_during_a_change(change: Callable[[World], None]) -> None:
    world = World()
    change(world)
    assert len(lines(world)) == 1
    world.changing = True
    assert lines(world) == []
    broken(world)
    assert len(lines(world)) == 1


def test_what_the_control_socket_does_not_tell_hides_nothing() -> None:
    """Of uplinks the database tells."""
    world = World()
    refused(world)
    world.asked = Asked(problem="ovs-vswitchd is busy")
    assert lines(world) == ["br0: ovs-vswitchd refuses eth1: device is busy"]
    dead(world)
    assert len(lines(world)) == 1


def test_secure_as_it_is_wanted() -> None:
    """Is reset where it is kept; else the next apply would bring it back."""
    world = World(fail_mode="secure")
    (line,) = lines(world)
    assert line.endswith("; gnt-ovs modify-switch br0 --reset fail_mode")


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
