"""A node brought to the right state from any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.captured import ACCESS
from tests.ovs.support import port, said, wanted
from tests.testbed.frames import exchange
from tests.testbed.guests import Guests
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_idle, wait_until
from tests.testbed.product import KVM_IFUP, Product
from tests.testbed.tap import Tap


def nic(number: int, **changes: str) -> dict[str, str]:
    return {
        **ACCESS,
        "INSTANCE": f"inst{number}.lab",
        "INTERFACE": f"tap{number}",
        "INTERFACE_UUID": f"bdc23741-5995-403d-8ac7-{number:012x}",
        "TAGS": "",
        "VLAN": ".10",
        **changes,
    }


NICS = {
    0: nic(0, TAGS="ovs:nic:0:max_bandwidth:10M"),
    1: nic(1, LINK="br0", VLAN=".10:20:30"),
    2: nic(2, VLAN=":10:20", NETWORK_TAGS="ovs:nic:*:max_bandwidth:50M"),
}


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(ovs.dir / "var")
    yield fixture
    fixture.close()


def up(ovs: OpenVSwitch, product: Product, environ: dict[str, str]) -> None:
    done = product.run({**environ, **ovs.environ})
    assert (done.returncode, said(done.stderr)) == (0, "")


def start(ovs: OpenVSwitch, product: Product, guests: Guests, *nics: dict[str, str]) -> None:
    """Guests with one NIC each, started by Ganeti's way."""
    for one in nics:
        guests.start(one["INSTANCE"], one)
        up(ovs, product, one)


def reconcile(
    ovs: OpenVSwitch, product: Product, *arguments: str, code: int = 0
) -> tuple[list[str], str]:
    done = product.run(ovs.environ, product.gnt_ovs, "reconcile", *arguments)
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines(), done.stderr


def lose_database(ovs: OpenVSwitch) -> None:
    ovs.lose_database()
    ovs.add_bridge("br0")
    ovs.add_bridge("br1")


def test_nothing_to_do(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, *NICS.values())
    before = ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg")
    assert reconcile(ovs, product) == (["nothing to do"], "")
    assert ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg") == before


def test_database_lost(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, *NICS.values())
    right = wanted(ovs)
    lose_database(ovs)
    run("ip", "link", "set", "tap0", "down")
    lines, _ = reconcile(ovs, product)
    assert lines == [f"attached tap{n} (inst{n}.lab, NIC 0) to br0" for n in NICS]
    assert wanted(ovs) == right
    taps = {tap.name: tap for held in guests.taps.values() for tap in held}
    arrived = exchange(taps, {1: ("tap0", ()), 2: ("tap1", (20,))})
    assert arrived == {1: {"tap1": (), "tap2": (10,)}, 2: {"tap2": (20,)}}


def test_guests_that_were_there_before_us(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """Without our records, Ganeti's runtime files must do; tags are in its configuration."""
    start(ovs, product, guests, *NICS.values())
    right = wanted(ovs)
    lose_database(ovs)
    guests.forget_records()
    guests.configuration(*NICS.values())
    lines, _ = reconcile(ovs, product)
    assert len(lines) == 3
    assert wanted(ovs) == right


def test_ports_of_stopped_guests(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, NICS[1])
    right = wanted(ovs)
    start(ovs, product, guests, NICS[0], NICS[2])
    guests.stop("inst0.lab")
    guests.stop("inst2.lab", crash=True)
    ovs.vsctl("add-port", "br1", "foreign")
    lines, _ = reconcile(ovs, product)
    assert lines == [
        "removed tap0 from br0: its interface is gone",
        "removed tap2 from br0: its interface is gone",
    ]
    ovs.vsctl("del-port", "foreign")
    assert wanted(ovs) == right
    assert not list((guests.var / "run/ganeti-ovs/nic").glob("tap[02]"))


def test_a_guest_that_nobody_knows(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    with Tap("tap0"):
        up(ovs, product, NICS[0])
        before = wanted(ovs)
        lines, _ = reconcile(ovs, product)
        assert lines == ["left alone: tap0 on br0 belongs to no guest that Ganeti runs here"]
        assert wanted(ovs) == before


def test_tap_name_reused_by_a_bridged_nic(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """The guest must not come into the VLAN of the one before, not even after a restart."""
    start(ovs, product, guests, NICS[1])
    with Tap("tap0"):
        up(ovs, product, NICS[0])
    bridged = nic(7, INTERFACE="tap0", MODE="bridged", LINK="lbr0", VLAN="")
    run("ip", "link", "add", "lbr0", "type", "bridge")
    try:
        guests.start("inst7.lab", bridged)
        done = product.run({**bridged, **ovs.environ, "SYSCONFDIR": str(product.etc)}, KVM_IFUP)
        assert done.returncode == 0
        assert "removed a stale Open vSwitch port tap0" in done.stderr
        assert ovs.vsctl("list-ports", "br0") == "tap1\n"
        ovs.stop_vswitchd()
        ovs.start_vswitchd()
        (bridged_tap,), (tap1,) = guests.taps["inst7.lab"], guests.taps["inst1.lab"]
        taps = {"tap0": bridged_tap, "tap1": tap1}
        assert exchange(taps, {1: ("tap0", ()), 2: ("tap1", ())}) == {1: {}, 2: {}}
    finally:
        run("ip", "link", "del", "lbr0")


def test_reconcile_takes_a_bridged_tap_out_too(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    with Tap("tap0"):
        up(ovs, product, NICS[0])
    guests.forget_records()
    guests.start("inst7.lab", nic(7, INTERFACE="tap0", MODE="bridged", LINK="lbr0"))
    lines, _ = reconcile(ovs, product)
    assert lines == ["removed tap0 from br0: its interface is not for Open vSwitch"]


def test_rows_altered_by_hand(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, *NICS.values())
    right = wanted(ovs)
    row = port(ovs, "tap1")
    ovs.vsctl("set", "port", "tap1", "vlan_mode=trunk", "--", "clear", "port", "tap1", "tag")
    assert reconcile(ovs, product)[0] == [
        "changed tap1 (inst1.lab, NIC 0) on br0: port_type trunk -> hybrid,"
        " VLAN :20:30 -> .10:20:30"
    ]
    assert wanted(ovs) == right
    assert port(ovs, "tap1")["_uuid"] == row["_uuid"]


def test_a_qos_of_another_type(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, *NICS.values())
    right = wanted(ovs)
    ovs.vsctl("set", "qos", str(port(ovs, "tap0")["qos"]["_uuid"]), "type=linux-hfsc")
    assert reconcile(ovs, product)[0] == [
        "changed tap0 (inst0.lab, NIC 0) on br0: QoS linux-hfsc -> linux-htb"
    ]
    assert wanted(ovs) == right
    assert "htb" in run("tc", "qdisc", "show", "dev", "tap0")


def test_a_port_that_vswitchd_cannot_open(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """The rows are right, and yet the guest has no network: it is tried again, and said."""
    start(ovs, product, guests, NICS[1])
    right = wanted(ovs)
    ovs.stop_vswitchd()
    ovs.start_vswitchd("unshare", "--net")
    lines, errors = reconcile(ovs, product, code=1)
    assert lines == ["replaced tap1 (inst1.lab, NIC 0) on br0: ovs-vswitchd did not have it"]
    assert "tap1: ovs-vswitchd refuses the port: could not open network device tap1" in errors
    assert wanted(ovs) == right
    ovs.stop_vswitchd()
    ovs.start_vswitchd()
    assert reconcile(ovs, product) == (["nothing to do"], "")


def test_who_has_waited_looks_anew(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """What was altered while another one was at work is seen, not what was there before."""
    start(ovs, product, guests, *NICS.values())
    right = wanted(ovs)
    command = [str(product.gnt_ovs), "reconcile"]
    os.kill(ovs.pid(), signal.SIGSTOP)
    try:
        ovs.vsctl("--no-wait", "set", "port", "tap1", "tag=7")
        first = subprocess.Popen(command, env=ovs.environ, stdout=subprocess.PIPE, text=True)
        wait_until(lambda: port(ovs, "tap1")["tag"] == [10], "the first one's change")
        second = subprocess.Popen(command, env=ovs.environ, stdout=subprocess.PIPE, text=True)
        wait_idle(second.pid)
        ovs.vsctl("--no-wait", "set", "port", "tap2", "trunks=7")
    finally:
        os.kill(ovs.pid(), signal.SIGCONT)
    done = "changed tap{0} (inst{0}.lab, NIC 0) on br0: VLAN {1} -> {2}\n".format
    assert first.communicate(timeout=30)[0] == done(1, ".7:20:30", ".10:20:30")
    assert second.communicate(timeout=30)[0] == done(2, ":7", ":10:20")
    assert first.returncode == second.returncode == 0
    assert wanted(ovs) == right


def test_changed_tags(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, *NICS.values())
    changed = nic(0, TAGS="ovs:nic:0:max_bandwidth:30M ovs:nic:*:max_burst:1M")
    guests.configuration(changed, NICS[1], NICS[2])
    assert reconcile(ovs, product)[0] == [
        "changed tap0 (inst0.lab, NIC 0) on br0: max_bandwidth 10M -> 30M, max_burst (sends)"
        " 3.00032M -> 1.000448M, max_burst (receives) 524.288k -> 1M"
    ]
    assert port(ovs, "tap0")["interface"]["ingress_policing_rate"] == 30_000
    # Kept for a node that is no master candidate any more.
    (guests.var / "lib/ganeti/config.data").unlink()
    assert reconcile(ovs, product)[0] == ["nothing to do"]


@pytest.mark.parametrize("link", ["br0", "br1"])
def test_half_done_work(link: str, ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """kill -9 between two guests on one tap: the rows are the old guest's, the tap the new's."""
    with Tap("tap0"):
        up(ovs, product, nic(5, INTERFACE="tap0", VLAN=".99", LINK=link))
    guests.forget_records()
    start(ovs, product, guests, NICS[1])
    guests.start("inst0.lab", NICS[0])
    guests.configuration(NICS[0], NICS[1])
    assert reconcile(ovs, product)[0] == [
        "replaced tap0 (inst0.lab, NIC 0) on br0: it was another NIC's"
    ]
    assert port(ovs, "tap0")["tag"] == [10]
    (tap0,), (tap1,) = guests.taps["inst0.lab"], guests.taps["inst1.lab"]
    assert exchange({"tap0": tap0, "tap1": tap1}, {1: ("tap0", ())}) == {1: {"tap1": ()}}


def test_rows_that_nothing_uses(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, NICS[0])
    right = wanted(ovs)
    mark = "external_ids:ganeti-ovs=1"
    ovs.vsctl("create", "queue", mark)
    ovs.vsctl("create", "qos", "type=linux-htb", mark, "queues:0=@q", "--",
              "--id=@q", "create", "queue", mark)  # fmt: skip
    ovs.vsctl("create", "qos", "type=linux-htb")
    lines, _ = reconcile(ovs, product)
    assert sorted(lines) == [
        "removed an unused QoS row of ours",
        "removed an unused Queue row of ours",
        "removed an unused Queue row of ours",
    ]
    assert len(wanted(ovs)["QoS"]) == len(right["QoS"]) + 1  # somebody else's stays
    assert wanted(ovs)["Queue"] == right["Queue"]


def test_what_cannot_be_put_right(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    guests.configuration(nic(0), NICS[1], NICS[2])
    guests.start("inst0.lab", NICS[0])
    guests.start("inst1.lab", {**NICS[1], "LINK": "nobr"})
    guests.start("inst2.lab", {**NICS[2], "VLAN": "9999"})
    lines, errors = reconcile(ovs, product, code=1)
    assert lines == ["attached tap0 (inst0.lab, NIC 0) to br0"]
    assert sorted(errors.splitlines()) == [
        "gnt-ovs: inst2.lab, NIC 0 (tap2 on vSwitch br0): vlan '9999': VLAN ID 9999 is not in"
        " 1-4094; write .5 (access), :10:20-30 (trunk) or .2:10:20 (hybrid)",
        "gnt-ovs: tap1 (inst1.lab, NIC 0): this node has no vSwitch nobr",
    ]


def test_dry_run_and_json(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, NICS[1])
    guests.start("inst0.lab", NICS[0])
    guests.configuration(NICS[0], NICS[1])
    before = wanted(ovs)
    lines, _ = reconcile(ovs, product, "--dry-run")
    assert lines == ["would have attached tap0 (inst0.lab, NIC 0) to br0"]
    data = json.loads("\n".join(reconcile(ovs, product, "--dry-run", "--json")[0]))
    assert data == {
        "done": ["attached tap0 (inst0.lab, NIC 0) to br0"],
        "changes": [
            {"kind": "attached", "tap": "tap0", "switch": "br0", "instance": "inst0.lab", "nic": 0}
        ],
        "left": [],
        "problems": [],
        "warnings": [],
        "dry_run": True,
    }
    assert wanted(ovs) == before
    assert not (guests.var / "run/ganeti-ovs/nic/tap0").exists()


def test_dead_daemons(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    guests.start("inst0.lab", NICS[0])
    guests.configuration(NICS[0])
    ovs.environ["GANETI_OVS_TIMEOUT"] = "1"
    ovs.stop_vswitchd()
    assert "has not applied the change within 1 s" in reconcile(ovs, product, code=1)[1]
    ovs.stop_server()
    assert "database does not answer" in reconcile(ovs, product, code=1)[1]
