"""A node's vSwitches made what a document says, under traffic, and taken back unless confirmed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs import __version__
from ganeti_ovs.model.document import digest
from ganeti_ovs.model.vswitch import vswitch
from ganeti_ovs.node import transaction
from ganeti_ovs.node.document import change_lock
from ganeti_ovs.node.switches import prepare
from ganeti_ovs.ovsdb.client import Client, TransactionFailed
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from ganeti_ovs.ovsdb.switches import read_tables
from ganeti_ovs.plan.state import states
from tests.ovs.nodeapply import Node, Wanted, answer, document
from tests.ovs.support import environ, port, said, wanted
from tests.testbed.frames import exchange
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import SOURCE, Product
from tests.testbed.stream import lost_during
from tests.testbed.tap import Tap

Taps = dict[str, Tap]


@pytest.fixture
def taps(ovs: OpenVSwitch, product: Product) -> Iterator[Taps]:
    """Devices e0, e1, e2 whose other end we hold, and a guest's tap0 in VLAN 10 of br0."""
    with ExitStack() as stack:
        found = {name: stack.enter_context(Tap(name)) for name in ("e0", "e1", "e2", "tap0")}
        for name in ("e0", "e1", "e2"):
            run("ip", "link", "set", name, "up")
        done = product.run(environ(ovs, VLAN=".10", TAGS="ovs:nic:0:max_bandwidth:1G"))
        assert (done.returncode, said(done.stderr)) == (0, "")
        yield found


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Node:
    return Node(ovs, product)


def br0(uplinks: str = "", **values: str) -> Wanted:
    if uplinks:
        values["uplinks"] = uplinks
    return {"br0": {"datapath_type": "netdev", **values}}


def state(ovs: OpenVSwitch, switch: str, port: str) -> Any:
    """How a port of uplinks is now."""
    with Client(str(ovs.socket)) as client:
        return states(read_tables(client), [switch])[switch]["ports"][port]


def ofports(ovs: OpenVSwitch) -> dict[str, Any]:
    return {row["name"]: row["ofport"] for row in ovs.rows("Interface")}


def test_made_stored_and_left_alone(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    wish = {**br0(), "sw": {"datapath_type": "netdev", "uplinks": "e0+e1", "trunks": "10"}}
    done = node.json(wish)
    assert done["applied"] is True
    assert done["changes"] == [
        "br0: adopted",
        "sw: made",
        "sw: uplink e0 and e1 as port bond-sw",
    ]
    bond = state(ovs, "sw", "bond-sw")
    assert {name: bond["bond"][name] for name in ("mode", "lacp", "negotiated")} == {
        "mode": "active-backup",
        "lacp": "off",
        "negotiated": None,
    }
    assert bond["bond"]["active"] in ("e0", "e1")
    assert {one["link"] for one in bond["members"].values()} == {"up"}
    assert node.stored.read_text() == document(wish)
    before = ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg")
    assert node.run(wish) == (["nothing to do"], [])
    assert ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg") == before


def test_dry_run(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    before = wanted(ovs)
    lines, _ = node.run(br0("e0", mtu="9000"), "--dry-run")
    assert lines == [
        "br0: adopted",
        "br0: mtu unset -> 9000",
        "br0: tap0: mtu unset -> 9000",
        "br0: uplink e0 as port e0",
    ]
    shown = node.json(br0("e0"), "--dry-run")
    assert shown["changes"] == ["br0: adopted", "br0: uplink e0 as port e0"]
    assert (shown["applied"], shown["kept"]) == (False, False)
    assert wanted(ovs) == before
    assert not node.stored.exists()


def test_adopted_with_its_rows(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    ovs.vsctl(
        "add-port", "br0", "e0", "--", "set", "bridge", "br0", "other_config:hwaddr=02:1:1:1:1:1"
    )
    before = {(t, row["name"]): row["_uuid"] for t in ("Bridge", "Port", "Interface")
              for row in ovs.rows(t)}  # fmt: skip
    numbers = ofports(ovs)
    lines, errors = node.run({"br0": {"uplinks": "e0"}})
    assert lines == ["br0: adopted", "br0: port e0 adopted"]
    assert errors == ["warning: br0: datapath_type netdev was set by hand and stays"]
    assert ofports(ovs) == numbers
    assert before == {(t, row["name"]): row["_uuid"] for t in ("Bridge", "Port", "Interface")
                      for row in ovs.rows(t)}  # fmt: skip
    assert exchange(taps, {1: ("tap0", ())}) == {1: {"e0": (10,)}}


CONFIRMED = {"format": 2, "version": __version__, "confirmed": True}

CHANGES = [
    br0("e0+e1"),
    br0("e0+e1", bond_mode="balance-slb"),
    br0("e0+e1", bond_mode="balance-slb", trunks="10+20"),
    br0("e0+e1", bond_primary="e0", trunks="10", mcast_snooping="yes"),
    br0("e0+e1+e2", bond_updelay="100"),
    br0("e0"),
]


def test_changes_under_traffic(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """Single uplink, bond, other modes, single uplink again: the guest's port is not touched."""
    node.run(br0("e0"))
    before, numbers = port(ovs, "tap0"), ofports(ovs)
    members, mode = "e0", ""
    for wish in CHANGES:
        sent, up, down, doubled = lost_during(
            node.start(wish), taps["tap0"], [taps["e0"], taps["e1"], taps["e2"]], 10
        )
        print(f"{wish['br0']}: {sent} sent, lost {up} and {down}, doubled {doubled}")
        assert sent > 100
        # While members come and go, the active one may change: what is on its way then is lost.
        most = 0 if mode == wish["br0"].get("bond_mode", "") else 2
        most = most if wish["br0"]["uplinks"] == members else 25
        assert max(up, down, doubled) <= most, wish
        members, mode = wish["br0"]["uplinks"], wish["br0"].get("bond_mode", "")
        now = port(ovs, "tap0")
        assert (now["_uuid"], now["interface"]["_uuid"]) == (
            before["_uuid"],
            before["interface"]["_uuid"],
        )
        assert {name: ofports(ovs)[name] for name in numbers} == numbers
    assert [row["name"] for row in ovs.rows("Interface") if row["name"] in ("e1", "e2")] == []


def test_uplink_moves_to_another_vswitch(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """The very Port row, and then a member out of a bond that had its name."""
    node.run({**br0("e0+e1"), "br1": {}})
    node.run({**br0("e1"), "br1": {"uplinks": "e0"}})
    assert exchange(taps, {1: ("tap0", ())}) == {1: {"e1": (10,)}}
    node.run({**br0("e0"), "br1": {"uplinks": "e1"}})
    assert exchange(taps, {1: ("tap0", ()), 2: ("e1", (10,))}) == {1: {"e0": (10,)}, 2: {}}
    node.run({**br0("e0+e1"), "br1": {}})
    node.run({**br0("e2"), "br1": {"uplinks": "e0+e1"}})
    assert exchange(taps, {1: ("tap0", ()), 2: ("e2", (10,))}) == {
        1: {"e2": (10,)},
        2: {"tap0": ()},
    }


def test_removal(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    node.run({**br0("e0"), "br1": {"uplinks": "e1"}})
    before = wanted(ovs)
    _, errors = node.run({"br1": {"uplinks": "e1"}}, code=1)
    assert errors == ["gnt-ovs: br0 is used by tap0 (inst1.lab, NIC 0)"]
    assert wanted(ovs) == before
    assert node.run(br0("e0"))[0] == ["br1: removed"]
    without = wanted(ovs)
    number = ofports(ovs)["tap0"]
    # A forced removal that nobody confirms brings the guest's port back, limits and all.
    process = node.start({}, "--force", "--confirm", "0.5")
    assert answer(process)["changes"] == ["br0: removed; cut tap0 (inst1.lab, NIC 0)"]
    assert process.wait(20) == 1
    process.communicate()
    assert wanted(ovs) == without
    assert ofports(ovs)["tap0"] == number
    assert exchange(taps, {1: ("tap0", ())}) == {1: {"e0": (10,)}}
    assert node.run({}, "--force")[0] == ["br0: removed; cut tap0 (inst1.lab, NIC 0)"]
    assert ovs.rows("Bridge") == []


@pytest.mark.parametrize(
    ("commands", "variables", "words"),
    [
        (["addr add 192.0.2.1/24 dev e1"], {}, "the node's address 192.0.2.1"),
        (["addr add 192.0.2.1/24 dev e1", "route add default via 192.0.2.9"], {},
         "the node's address 192.0.2.1 and the default route"),
        (["route add 198.51.100.0/24 dev e1"],
         {"SSH_CONNECTION": "198.51.100.7 40000 192.0.2.1 22"}, "the path to 198.51.100.7"),
        (["link add lbr type bridge", "link set e1 master lbr", "addr add 192.0.2.1/24 dev lbr"],
         {}, "the node's address 192.0.2.1 (by lbr)"),
    ],
)  # fmt: skip
def test_guard(
    commands: list[str], variables: dict[str, str], words: str, node: Node, taps: Taps
) -> None:
    node.environ.update(variables)
    before = wanted(node.ovs)
    try:
        for command in commands:
            run("ip", *command.split())
        _, errors = node.run(br0("e0+e1"), code=1)
        assert errors == [f"gnt-ovs: br0: e1 carries {words}, which does not work on an uplink"]
        assert wanted(node.ovs) == before
        assert not node.stored.exists()
        if "lbr" in words:
            run("ip", "link", "set", "e1", "nomaster")
        done = node.json(br0("e0+e1"), "--force")
        if "lbr" not in words:
            assert done["warnings"] == [
                f"forced: br0: e1 carries {words}, which does not work on an uplink"
            ]
    finally:
        if "lbr" in words:
            run("ip", "link", "del", "lbr")


def test_addresses_on_the_vswitch_itself(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """As ifupdown leaves it: the node lives on br0, by e0."""
    ovs.vsctl("add-port", "br0", "e0")
    try:
        run("ip", "addr", "add", "192.0.2.1/24", "dev", "br0")
        run("ip", "link", "set", "br0", "up")
        run("ip", "route", "add", "default", "via", "192.0.2.9")
        assert node.run(br0("e0"))[0] == ["br0: adopted", "br0: port e0 adopted"]
        assert node.run(br0("e0+e1"))[0] == ["br0: uplink e1 added to e0"]
        assert "192.0.2.1" in run("ip", "addr", "show", "dev", "br0")
        for wish, words in (
            (br0("e0+e1", trunks="10"), "untagged, which trunks 10 keep from the uplink"),
            (br0(), "and would have no uplink"),
        ):
            _, errors = node.run(wish, code=1)
            assert words in errors[0]
    finally:
        # ovs-vswitchd leaves the device of an internal port when it ends.
        run("ip", "addr", "flush", "dev", "br0")
        run("ip", "link", "set", "br0", "down")


def test_confirmed(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    process = node.start(br0("e0"), "--confirm", "20")
    assert answer(process)["applied"] is True
    assert not node.stored.exists()
    out, err = process.communicate("confirm\n", timeout=20)
    assert (process.returncode, json.loads(out), err) == (0, CONFIRMED, "")
    assert node.stored.read_text() == document(br0("e0"))
    assert node.run(br0("e0"))[0] == ["nothing to do"]


@pytest.mark.parametrize("end", [
    "time", "end of input", "KILL",
    # All of them end as one of the three does.
    *(pytest.param(end, marks=pytest.mark.rest)
      for end in ("another word", "HUP", "TERM", "INT", "output closed")),
])  # fmt: skip
def test_not_confirmed(end: str, node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    node.run(br0("e0"))
    before, numbers, stored = wanted(ovs), ofports(ovs), node.stored.read_text()
    changed = {**br0("e1+e2", bond_mode="balance-slb", trunks="10", fail_mode="secure"), "new": {
        "datapath_type": "netdev"}}  # fmt: skip
    with node.start(changed, "--force", "--confirm", "1" if end == "time" else "30") as process:
        assert process.stdin and process.stdout and process.stderr
        if end == "output closed":
            process.stdout.close()
        else:
            assert answer(process)["applied"] is True
            assert wanted(ovs) != before
        if end == "end of input":
            process.stdin.close()
        elif end == "another word":
            process.stdin.write("confirmed\n")
            process.stdin.flush()
        elif end not in ("time", "output closed"):
            process.send_signal(getattr(signal, f"SIG{end}"))
        assert process.wait(20) == (-signal.SIGKILL if end == "KILL" else 1)
        if end == "KILL":
            wait_until(lambda: wanted(ovs) == before, "the guard's work")
        elif end != "output closed":
            said_last = json.loads(process.stdout.read())
            assert said_last["confirmed"] is False
            assert said_last["error"].endswith("; everything is as it was before")
    assert wanted(ovs) == before
    assert {name: ofports(ovs)[name] for name in numbers} == numbers
    assert node.stored.read_text() == stored
    # Nothing is left behind that keeps the next one from its work.
    assert node.run(br0("e0"), GANETI_OVS_TIMEOUT="5")[0] == ["nothing to do"]
    assert exchange(taps, {1: ("tap0", ())}) == {1: {"e0": (10,)}}


def test_killed_while_it_changes(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    node.run(br0("e0"))
    before = wanted(ovs)
    ovs.stop_vswitchd()
    process = node.start(br0("e0+e1"), "--confirm", "30", GANETI_OVS_TIMEOUT="20")
    wait_until(lambda: wanted(ovs) != before, "the transaction")
    process.kill()
    process.communicate()
    wait_until(lambda: wanted(ovs) == before, "the guard's work")
    ovs.start_vswitchd()
    assert node.run(br0("e0"))[0] == ["nothing to do"]


def test_server_restarted_before_the_confirmation(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    node.run(br0("e0"))
    before = wanted(ovs)
    with node.start(br0("e0+e1"), "--confirm", "30") as process:
        answer(process)
        ovs.stop_server()
        ovs.start_server()
        out, _ = process.communicate("no\n", timeout=30)
    assert json.loads(out)["confirmed"] is False
    wait_until(lambda: wanted(ovs) == before, "the rows as before")


def is_up(device: str) -> bool:
    flags = int(Path(f"/sys/class/net/{device}/flags").read_text(), 16)
    return bool(flags & 1)


def test_server_away_when_it_is_to_be_taken_back(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """The guard goes on, as long as it takes."""
    node.run(br0("e0"))
    run("ip", "link", "set", "e1", "down")
    before = wanted(ovs)
    with node.start(br0("e0+e1"), "--confirm", "30", GANETI_OVS_TIMEOUT="2") as process:
        answer(process)
        assert is_up("e1")
        ovs.stop_server()
        out, _ = process.communicate("no\n", timeout=30)
        last = json.loads(out)
        assert last["confirmed"] is False
        assert "; it could not be put back: " in last["error"]
        assert last["error"].endswith(
            "; this is tried for another minute, then by gnt-ovs reconcile"
        )
        assert process.returncode == 1
    ovs.start_server()
    wait_until(lambda: wanted(ovs) == before, "the guard's work")
    wait_until(lambda: not is_up("e1"), "the uplink as before")
    assert node.run(br0("e0"), GANETI_OVS_TIMEOUT="5")[0] == ["nothing to do"]


@pytest.mark.parametrize("killed", [True, pytest.param(False, marks=pytest.mark.rest)])
def test_uplinks_that_were_down_are_so_again(
    killed: bool, node: Node, ovs: OpenVSwitch, taps: Taps
) -> None:
    node.run(br0("e0"))
    for device in ("e1", "e2"):
        run("ip", "link", "set", device, "down" if device == "e1" else "up")
    with node.start(br0("e1+e2"), "--confirm", "30") as process:
        answer(process)
        assert is_up("e1")
        if killed:
            process.kill()
        process.communicate("no\n", timeout=30)
    wait_until(lambda: not is_up("e1"), "the uplink as before")
    assert is_up("e2")
    # Those of a vSwitch whose rows need no change, too.
    node.run(br0("e1"))
    run("ip", "link", "set", "e1", "down")
    with node.start(br0("e1"), "--confirm", "30") as process:
        answer(process)
        assert is_up("e1")
        if killed:
            ovs.stop_server()  # which links do not need
        out, _ = process.communicate("no\n", timeout=30)
    assert json.loads(out)["error"].endswith("; everything is as it was before")
    assert not is_up("e1")
    if killed:
        ovs.start_server()
    node.run(br0("e1"))
    assert is_up("e1")


GUARDED = """
import os, signal
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.node.guard import Guard, Guarded
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.switches import prepare
from ganeti_ovs.model.document import from_document
from ganeti_ovs.node import transaction
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from ganeti_ovs.ovsdb.switches import read_tables
from ganeti_ovs.plan.state import states
here = runtime(os.environ)
text = {text!r}
wanted, _revision = from_document(text)
with document.change_lock(here, 5), Session({path!r}, SWITCHES, 10) as session:
    session.acquire()
    _plan, checkpoint = prepare(session, wanted, "")
    entry = pending.new_entry(here, text)
    with Guard.start(session, Guarded(here, entry, checkpoint, 1)):
        transaction.commit(session, checkpoint.operations, checkpoint.before, wanted)
        {last}
        print("done", flush=True)
        os.kill(os.getpid(), signal.SIG{end})
"""


def guarded(node: Node, wish: Wanted, end: str, last: str = "") -> None:
    """A change that ends like this before it is confirmed, after the statement `last`."""
    code = GUARDED.format(text=document(wish), path=str(node.ovs.socket), end=end, last=last)
    before = wanted(node.ovs)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=node.environ,
        cwd=SOURCE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout and process.stdout.readline() == "done\n"
            assert wanted(node.ovs) != before
            assert process.wait(20) == -signal.SIGKILL
        finally:
            process.kill()  # A stopped one would be waited for.


def unlocked(node: Node) -> None:
    """Wait until nobody holds the lock of changes: the guard has ended."""
    with change_lock(node.runtime, 30):
        pass


def test_hanging_before_the_confirmation(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """A stopped process is ended by its guard, which then takes the change back."""
    node.run(br0("e0"))
    before = wanted(ovs)
    guarded(node, br0("e1+e2"), "STOP")
    wait_until(lambda: wanted(ovs) == before, "the guard's work")


def test_killed_after_the_document_was_kept(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """The change is confirmed then, whatever its node-apply can still say."""
    node.run(br0("e0"))
    guarded(node, br0("e1+e2"), "KILL", "document.save(here, text)")
    unlocked(node)
    assert {"e1", "e2"} < set(ofports(ovs))
    assert node.run(br0("e1+e2"))[0] == ["nothing to do"]


def test_rows_changed_between_reading_and_writing(
    node: Node, ovs: OpenVSwitch, product: Product, taps: Taps
) -> None:
    """Members of a port, and a guest that starts on a vSwitch that is to go."""
    node.run({**br0("e0+e1"), "br1": {}})
    wish = tuple(vswitch(name, values) for name, values in br0("e0").items())
    with Session(str(ovs.socket), SWITCHES, 10) as session:
        session.acquire()
        _plan, checkpoint = prepare(session, wish, "")
        change = checkpoint.operations, checkpoint.before
        with Tap("tap1"):
            assert product.run(environ(ovs, "tap1", LINK="br1")).returncode == 0
            before = wanted(ovs)
            with pytest.raises(TransactionFailed, match="timed out"):
                transaction.commit(session, *change, wish)
            assert wanted(ovs) == before
        ovs.vsctl("del-port", "tap1")
        interface = ("--", "--id=@i", "create", "Interface", "name=e2")
        ovs.vsctl(*interface, "--", "add", "Port", "bond-br0", "interfaces", "@i")
        before = wanted(ovs)
        with pytest.raises(TransactionFailed, match="timed out"):
            transaction.commit(session, *change, wish)
        assert wanted(ovs) == before


def test_missing_device(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    before = wanted(ovs)
    assert node.run(br0("e9"), code=1)[1] == ["gnt-ovs: br0: this node has no device e9"]
    assert node.run(br0("e9"), "--dry-run", code=1)[1] == [
        "gnt-ovs: br0: this node has no device e9"
    ]
    would = node.json(br0("e9"), "--dry-run", code=1)
    assert would["error"] == "br0: this node has no device e9"
    (error,) = node.run(br0("e9"), "--force", code=1)[1]
    assert "ovs-vswitchd refuses e9" in error
    assert wanted(ovs) == before


def test_fake_bridge(node: Node, ovs: OpenVSwitch) -> None:
    ovs.vsctl("add-br", "vlan5", "br0", "5")
    _, errors = node.run({"vlan5": {"datapath_type": "netdev"}}, code=1)
    assert errors == ["gnt-ovs: vlan5 is a fake bridge; remove it or take another name"]


def test_guests_that_start_meanwhile_stay(
    node: Node, ovs: OpenVSwitch, product: Product, taps: Taps
) -> None:
    process = node.start(br0("e0"), "--confirm", "30")
    assert answer(process)["applied"] is True
    with Tap("tap1"):
        assert product.run(environ(ovs, "tap1", VLAN=".10")).returncode == 0
        process.communicate("no\n", timeout=20)
        assert set(ofports(ovs)) == {"br0", "br1", "tap0", "tap1"}


def test_one_at_a_time(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    first = node.start(br0("e0"), "--confirm", "30")
    answer(first)
    _, errors = node.run(br0("e1"), code=1, GANETI_OVS_TIMEOUT="1")
    assert errors == [
        "gnt-ovs: another change of this node's vSwitches is under way or waits to be confirmed,"
        " for more than 1 s"
    ]
    done = node.product.run(ovs.environ, node.product.gnt_ovs, "reconcile")
    assert done.returncode == 0  # this node keeps no document yet
    second = node.start(br0("e1"))
    first.communicate("confirm\n", timeout=20)
    assert second.wait(20) == 0
    second.communicate()
    assert node.stored.read_text() == document(br0("e1"))
    assert "e0" not in ofports(ovs)


def test_a_dry_run_only_looks(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """It waits for no other who looks; who changes something does, and says so."""
    with change_lock(node.runtime, 0, shared=True):
        assert node.json(br0("e0"), "--dry-run", GANETI_OVS_TIMEOUT="1")["dry_run"] is True
        _, errors = node.run(br0("e0"), code=1, GANETI_OVS_TIMEOUT="1")
    assert errors == [
        "gnt-ovs: this node's vSwitches are being looked at by another command, for more than 1 s"
    ]


def test_vswitchd_refuses(private: None, product: Product) -> None:
    """ovs-vswitchd in another network namespace: the device is not there for it."""
    with OpenVSwitch(("unshare", "--net")) as ovs, Tap("e0"):
        ovs.add_bridge("br0")
        before = wanted(ovs)
        node = Node(ovs, product)
        told = node.json(br0("e0"), code=1)
        assert told["applied"] is False
        assert "ovs-vswitchd refuses e0" in told["error"]
        assert told["error"].endswith("; everything is as it was before")
        assert wanted(ovs) == before
        assert not node.stored.exists()


def test_vswitchd_refuses_what_is_restored(private: None, product: Product) -> None:
    """gnt-ovs reconcile says so, and ends with 1."""
    with OpenVSwitch(("unshare", "--net")) as ovs, Tap("e0"):
        node = Node(ovs, product)
        node.stored.parent.mkdir(parents=True)
        node.stored.write_text(document(br0("e0")))
        done = product.run(ovs.environ, product.gnt_ovs, "reconcile")
        assert done.returncode == 1
        assert "gnt-ovs: br0: ovs-vswitchd refuses e0: " in done.stderr


def test_nothing_is_restored_while_a_change_waits(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """Nor taken back, although its lock of the database is lost with ovsdb-server."""
    node.run(br0("e0"))
    with node.start(br0("e1"), "--confirm", "30", GANETI_OVS_TIMEOUT="2") as process:
        answer(process)
        ovs.stop_server()
        ovs.start_server()
        done = node.product.run(ovs.environ, node.product.gnt_ovs, "reconcile")
        assert done.returncode == 1
        assert done.stderr == (
            "gnt-ovs: another change of this node's vSwitches is under way or waits to be"
            " confirmed, for more than 5 s\n"
        )
        assert "e1" in ofports(ovs)
        out, _ = process.communicate("confirm\n", timeout=30)
    assert json.loads(out) == CONFIRMED


def test_have(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """What the master asks for, on the quick way and on the other."""

    def have(*more: str) -> Any:
        done = node.product.run(
            node.environ, node.product.gnt_ovs, "node-apply", "--json", "--have", *more
        )
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert (found.pop("format"), found.pop("version")) == (2, __version__)
        return found

    assert have() == {"have": None, "tried": None}
    node.run(br0("e0"))
    one, two = digest(document(br0("e0"))), digest(document(br0("e1")))
    assert have("--db", f"unix:{ovs.socket}") == have() == {"have": one, "tried": None}
    with node.start(br0("e1"), "--confirm", "30") as process:
        answer(process)
        # Before it is over, nobody knows what becomes of it.
        assert have() == {"have": one, "tried": None, "under_way": True}
        process.communicate("no\n", timeout=20)
    with change_lock(node.runtime, 0, shared=True):  # Somebody else asks, too.
        assert have()["tried"]["digest"] == two
    why = "not confirmed within 30 s"
    assert have() == {"have": one, "tried": {"digest": two, "error": why}}
    # What is refused before anything is done is not tried, and changes nothing of it.
    assert node.json(br0("e9"), code=1)["tried"] is False
    assert have()["tried"] == {"digest": two, "error": why}
    with node.start(br0("e2"), "--confirm", "30") as process:
        answer(process)
        process.kill()
        process.communicate()
    unlocked(node)
    assert have()["tried"]["error"] == "the change was not confirmed: node-apply was ended"
    node.run(br0("e1"))
    assert have() == {"have": two, "tried": None}
    node.stored.write_text("nonsense")
    assert have()["have"] == ""


def test_vswitchd_dead(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    before = wanted(ovs)
    ovs.stop_vswitchd()
    _, errors = node.run(br0("e0"), code=1, GANETI_OVS_TIMEOUT="1")
    assert "has not applied the change within 1 s" in errors[0]
    assert wanted(ovs) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no document of the vSwitches came on standard input"),
        ("{", "is no description of a node's vSwitches"),
        ('{"format": 1, "revision": "1", "switches": {"br0": {"uplinks": "e0 e1"}}}',
         "no interface name"),
        ('{"format": 1, "revision": "1",'
         ' "switches": {"a": {"uplinks": "e0"}, "b": {"uplinks": "e0"}}}', "both claim e0"),
    ],
)  # fmt: skip
def test_bad_document(text: str, words: str, node: Node, ovs: OpenVSwitch) -> None:
    before = wanted(ovs)
    ended = subprocess.run(
        [str(node.product.gnt_ovs), "node-apply"], env=node.environ, input=text, text=True,
        capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert wanted(ovs) == before


def test_restored_after_the_database_was_lost(
    node: Node, ovs: OpenVSwitch, product: Product, taps: Taps
) -> None:
    wish = br0("e0+e1", bond_mode="balance-slb", trunks="10")
    node.run({**wish, "br1": {"datapath_type": "netdev"}})
    node.run(wish)
    right = {row["name"]: row["bond_mode"] for row in ovs.rows("Port") if row["name"] != "tap0"}
    ovs.lose_database()
    would = product.run(ovs.environ, product.gnt_ovs, "reconcile", "--dry-run")
    assert would.stdout.splitlines() == [
        "would have br0: made",
        "would have br0: uplink e0 and e1 as port bond-br0",
    ]
    done = product.run(ovs.environ, product.gnt_ovs, "reconcile")
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["name"]: row["bond_mode"] for row in ovs.rows("Port")} == right
    assert product.run(environ(ovs, VLAN=".10")).returncode == 0
    # A bond takes a broadcast by one member alone.
    heard = exchange(taps, {1: ("e0", (10,)), 2: ("e1", (10,)), 3: ("e0", (20,)), 4: ("e1", (20,))})
    assert (heard[1] | heard[2], heard[3], heard[4]) == ({"tap0": ()}, {}, {})
    assert product.run(ovs.environ, product.gnt_ovs, "reconcile").returncode == 0
    # A device that is missing at boot keeps nothing else from being made.
    taps["e1"].close()
    ovs.vsctl("del-br", "br0")
    done = product.run(ovs.environ, product.gnt_ovs, "reconcile")
    assert done.returncode == 1
    assert "e1" in done.stderr
    assert {"br0", "e0"} <= set(ofports(ovs))


def inside(ovs: OpenVSwitch, *command: str) -> None:
    """Run a command in the namespace of that ovs-vswitchd."""
    run("nsenter", "-t", str(ovs.pid()), "-n", *command)


def test_lacp_with_another_switch(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    """balance-tcp against an Open vSwitch of its own that speaks LACP."""
    # In a namespace of its own: two userspace datapaths would share a device, ovs-netdev.
    with OpenVSwitch(("unshare", "--net")) as other, Tap("there") as there:
        for number in (0, 1):
            run("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", f"w{number}")
        for device in ("there", "w0", "w1"):
            run("ip", "link", "set", device, "netns", str(other.pid()))
            inside(other, "ip", "link", "set", device, "up")
        try:
            other.add_bridge("far")
            other.vsctl("add-port", "far", "there", "tag=10")
            other.vsctl(
                "add-bond", "far", "wbond", "w0", "w1", "lacp=active", "bond_mode=balance-tcp",
                "other_config:lacp-time=fast",
            )  # fmt: skip
            wish = br0("v0+v1", bond_mode="balance-tcp", lacp="active", lacp_time="fast")
            node.run(wish)

            def bond() -> Any:
                return state(ovs, "br0", "bond-br0")["bond"]

            wait_until(lambda: bond()["negotiated"] is True, "LACP", 30)
            both = {"tap0": taps["tap0"], "there": there}
            sent = {1: ("tap0", ()), 2: ("there", ())}
            through = {1: {"there": ()}, 2: {"tap0": ()}}
            wait_until(lambda: exchange(both, sent) == through, "frames")
            number = ofports(ovs)["v0"]
            wish = br0("v0+v1", bond_mode="balance-tcp", lacp="passive")
            assert "lacp active -> passive" in " ".join(node.run(wish)[0])
            wait_until(lambda: bond()["negotiated"] is True, "LACP", 30)
            wait_until(
                lambda: exchange(both, sent) == {1: {"there": ()}, 2: {"tap0": ()}}, "frames"
            )
            assert ofports(ovs)["v0"] == number
            inside(other, "ip", "link", "set", "w0", "down")
            wait_until(lambda: bond()["negotiated"] is False, "the dead member", 30)
        finally:
            for number in (0, 1):
                run("ip", "link", "del", f"v{number}")


def test_guard_process_leaves_no_trace(node: Node, ovs: OpenVSwitch, taps: Taps) -> None:
    node.run(br0("e0"))
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(ovs.dir).encode() in environment and b"gnt-ovs" in command:
            found.append(pid)
    assert found == []
