"""node-apply and its guard killed at any moment: the old state or the new one, never a mixture."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.ovs.nodeapply import Node, Wanted, answer, document
from tests.ovs.support import environ, said, wanted
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.tap import Tap

pytestmark = pytest.mark.rest

ROUNDS = int(os.environ.get("GANETI_OVS_ROUNDS", "8"))
DEVICES = ("e0", "e1", "e2")
OLD: Wanted = {"br0": {"datapath_type": "netdev", "uplinks": "e0"}}
NEW: Wanted = {
    "br0": {
        "datapath_type": "netdev", "uplinks": "e1+e2", "bond_mode": "balance-slb", "mtu": "1400",
        "trunks": "10", "fail_mode": "secure",
    },
    "new": {"datapath_type": "netdev"},
}  # fmt: skip


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    """br0 is kept as in OLD, with the guest's tap0; e1 is down."""
    with ExitStack() as stack:
        for name in (*DEVICES, "tap0"):
            stack.enter_context(Tap(name))
        run("ip", "link", "set", "e2", "up")
        done = product.run(environ(ovs, VLAN=".10"))
        assert (done.returncode, said(done.stderr)) == (0, "")
        found = Node(ovs, product)
        found.run(OLD)
        yield found
        # ovs-vswitchd leaves the device of an internal port when it ends.
        ovs.vsctl("--if-exists", "del-br", "new")


def links() -> dict[str, tuple[bool, int]]:
    """Device -> (administratively up, MTU)."""
    found = {}
    for name in DEVICES:
        directory = Path(f"/sys/class/net/{name}")
        flags = int((directory / "flags").read_text(), 16)
        found[name] = (bool(flags & 1), int((directory / "mtu").read_text()))
    return found


def state(node: Node) -> tuple[Any, ...]:
    """All that a change may change."""
    own = Path("/sys/class/net/br0/mtu").read_text().strip()
    kept = node.stored.read_text() if node.stored.exists() else ""
    return wanted(node.ovs), links(), own, kept


def on_disk(node: Node) -> set[str]:
    """Without what was not written to its end, and is written anew the next time."""
    return {path.name for path in node.stored.parent.iterdir() if path.suffix != ".new"}


def reconcile(node: Node, code: int = 0) -> tuple[str, str]:
    """What it says besides that Ganeti knows nothing of tap0's guest."""
    done = node.product.run(node.environ, node.product.gnt_ovs, "reconcile")
    assert done.returncode == code, (done.stdout, done.stderr)
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("left alone: tap0 ")), done.stderr


def family(node: Node) -> list[int]:
    """node-apply and its guard."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            mine = str(node.ovs.dir).encode() in Path(f"/proc/{pid}/environ").read_bytes()
            if mine and b"node-apply" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


def kill_all(node: Node) -> None:
    """At one moment: stopped first, so that none of them sees the end of another."""
    stopped: set[int] = set()
    while fresh := set(family(node)) - stopped:
        for pid in fresh:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not family(node), "their end")


def back(node: Node) -> tuple[Any, ...]:
    """To OLD, also of the links, by the very way that an administrator has; how it is then."""
    node.run(OLD)
    run("ip", "link", "set", "e1", "down")
    for name in ("e1", "e2"):
        run("ip", "link", "set", name, "mtu", "1500")
    wait_until(lambda: state(node)[2] == "1500", "the MTU of the vSwitch's own interface")
    return state(node)


@pytest.mark.parametrize("guard", [False, True], ids=["alone", "with its guard"])
@pytest.mark.parametrize("confirm", [False, True], ids=["", "confirm"])
def test_at_any_moment(confirm: bool, guard: bool, node: Node) -> None:
    """And one reconcile later there is nothing more to do."""
    chance = random.Random(f"{confirm}{guard}")
    started = time.monotonic()
    node.run(NEW, "--force")
    took = time.monotonic() - started
    old = back(node)
    ends = {"old": 0, "new": 0}
    for number in range(ROUNDS):
        process = node.start(NEW, "--force", *(("--confirm", "30") if confirm else ()))
        moment = chance.uniform(0, took * 1.2)
        if confirm and chance.random() < 0.5:
            # It waits there for most of its life; confirmed, it is killed in what comes after.
            answer(process)
            assert process.stdin
            process.stdin.write("confirm\n")
            process.stdin.flush()
            moment = chance.uniform(0, 0.02)
        time.sleep(moment)
        if guard:
            kill_all(node)
        else:
            process.kill()
            process.wait(20)
            wait_until(lambda: not family(node), "the guard's work")
        process.communicate(timeout=20)
        reconcile(node)
        kept_new = node.stored.read_text() == document(NEW)
        assert on_disk(node) <= {"switches.json", "tried.json"}, number
        if kept_new:
            ends["new"] += 1
            assert node.run(NEW, "--force")[0] == ["nothing to do"], number
            assert [links()[name] for name in ("e1", "e2")] == [(True, 1400)] * 2, number
            old = back(node)
        else:
            ends["old"] += 1
            assert state(node) == old, (number, moment)
        assert reconcile(node) == ("", "")
        assert state(node) == old
    print(f"{took:.3f} s, {ends}")


def killed_before_the_confirmation(node: Node, wish: Wanted = NEW) -> None:
    process = node.start(wish, "--force", "--confirm", "30")
    assert answer(process)["applied"] is True
    kill_all(node)
    process.communicate(timeout=20)


WORDS = "taken back a change of the vSwitches that was never confirmed"


def test_reconcile_takes_it_back(node: Node) -> None:
    old = state(node)
    killed_before_the_confirmation(node)
    assert state(node) != old
    assert "pending.json" in on_disk(node)
    would = node.product.run(node.environ, node.product.gnt_ovs, "reconcile", "--dry-run")
    assert f"would have {WORDS}\n" in would.stdout
    assert state(node) != old
    assert reconcile(node) == (f"{WORDS}\n", "")
    assert state(node) == old
    assert reconcile(node) == ("", "")


def test_the_watcher_takes_it_back(node: Node, product: Product) -> None:
    old = state(node)
    path = product.etc / "ganeti" / "hooks" / "watcher" / "50-ovs"
    process = node.start(NEW, "--force", "--confirm", "30")
    answer(process)
    # Not as long as the one lives whose it is.
    done = product.run(node.environ, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert state(node) != old
    kill_all(node)
    process.communicate(timeout=20)
    done = product.run(node.environ, path)
    assert (done.returncode, done.stderr) == (1, f"ganeti-ovs: {WORDS}\n")
    assert state(node) == old
    assert product.run(node.environ, path).returncode == 0


def test_the_next_change_takes_it_back_first(node: Node) -> None:
    killed_before_the_confirmation(node)
    would = node.json(OLD, "--dry-run")
    assert f"would have {WORDS}" in would["warnings"]
    done = node.json(OLD)
    assert (done["changes"], done["warnings"]) == ([], [WORDS])
    assert on_disk(node) == {"switches.json"}


def test_taken_back_after_a_reboot(node: Node) -> None:
    """The database is there still, /run is not; links and MTUs are as the boot made them."""
    old = state(node)
    killed_before_the_confirmation(node)
    ovs = node.ovs
    ovs.stop_vswitchd()
    ovs.stop_server()
    run("rm", "-r", f"{ovs.environ['LOCALSTATEDIR']}/run")
    path = node.stored.parent / "pending.json"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    other = path.read_text().partition("\n")[2].replace(boot, "another boot")
    from ganeti_ovs.model.document import sha256

    path.write_text(f"1 {sha256(other.rstrip())}\n{other}")
    for name in ("e1", "e2"):
        run("ip", "link", "set", name, "up", "mtu", "1500")
    ovs.start_server()
    ovs.start_vswitchd()
    wait_until(lambda: links()["e1"] == (True, 1400), "ovs-vswitchd's work")
    assert WORDS in reconcile(node)[0]
    assert wanted(ovs) == old[0]
    # An uplink that is up now was set up by the node.
    assert links() == {**old[1], "e1": (True, 1500)}


def test_a_repair_of_what_is_kept_is_taken_back_too(node: Node) -> None:
    """The document is the same before and after; only when it was kept tells."""
    node.ovs.vsctl("set", "Port", "e0", "trunks=20", "vlan_mode=trunk")
    drifted = state(node)
    killed_before_the_confirmation(node, OLD)
    assert state(node) != drifted
    assert reconcile(node)[0].startswith(f"{WORDS}\n")


def test_kept_and_killed_before_it_was_said(node: Node) -> None:
    """It is confirmed: what was pending is only forgotten."""
    process = node.start(NEW, "--force", "--confirm", "30")
    answer(process)
    text = (node.stored.parent / "pending.json").read_text()
    process.communicate("confirm\n", timeout=20)
    new = state(node)
    node.stored.with_name("pending.json").write_text(text)
    assert reconcile(node) == ("finished a change of the vSwitches that was confirmed\n", "")
    assert state(node) == new
    assert on_disk(node) == {"switches.json"}


def test_what_was_changed_by_hand_meanwhile_stays(node: Node) -> None:
    killed_before_the_confirmation(node)
    node.ovs.vsctl("set", "Bridge", "br0", "fail_mode=standalone")
    out, err = reconcile(node, code=1)
    assert out.startswith(f"{WORDS}\n")
    assert err.startswith(
        "gnt-ovs: a change of the vSwitches that was never confirmed; it is taken back, but not"
        " all is as it was before: br0: fail_mode\n"
    )
    (row,) = (row for row in node.ovs.rows("Bridge") if row["name"] == "br0")
    assert row["fail_mode"] == ["standalone"]
    assert reconcile(node) == ("", "")


@pytest.mark.parametrize("text", ["", "{", "1 x\n{}\n", "2 x\n{}\n", "\xff", "1 SUM\n[]\n"])
def test_a_broken_file(text: str, node: Node) -> None:
    """Is a line, until the vSwitches are made what they should be."""
    from ganeti_ovs.model.document import sha256

    path = node.stored.parent / "pending.json"
    path.write_text(text.replace("SUM", sha256("[]")), encoding="latin-1")
    out, err = reconcile(node, code=1)
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"gnt-ovs: {path} ")
    assert err.endswith(" may be there still: gnt-ovs verify, gnt-ovs apply\n")
    would = node.json(OLD, "--dry-run")
    assert would["warnings"][0].startswith(f"{path} ")
    # As gnt-ovs apply does it, with nothing to do.
    with node.start(OLD, "--confirm", "30") as process:
        done = answer(process)
        assert (done["applied"], done["changes"]) == (True, [])
        assert str(path) in done["warnings"][0]
        process.communicate("confirm\n", timeout=20)
    assert on_disk(node) == {"switches.json"}
    assert reconcile(node) == ("", "")


def test_a_directory_in_its_place(node: Node) -> None:
    """Cannot be removed by gnt-ovs apply, so the line says who can."""
    path = node.stored.parent / "pending.json"
    path.mkdir()
    for _ in range(2):
        line = f"{path} is a directory, which stands in the way of changes: remove it"
        assert reconcile(node, code=1) == ("", f"gnt-ovs: {line}\n")
        assert node.json(OLD)["warnings"] == [line]
    path.rmdir()
    assert reconcile(node) == ("", "")


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("full", [0, 1])
def test_no_room_on_the_disk(full: int, confirm: bool, node: Node) -> None:
    """`full`: pages that are left. Nothing is done, and nothing is left on the disk."""
    directory = str(node.stored.parent)
    kept = node.stored.read_text()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory)
    try:
        node.stored.write_text(kept)
        old = state(node)
        stuff = node.stored.with_name("stuff")
        with open(stuff, "wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        if full:
            os.truncate(stuff, stuff.stat().st_size - 4096 * full)
        cfg = node.ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg")
        said_last = node.json(NEW, "--force", *(("--confirm", "30") if confirm else ()), code=1)
        assert said_last["applied"] is False
        assert said_last["tried"] is False
        assert "/pending.json cannot be written: No space left" in said_last["error"]
        assert node.ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg") == cfg
        assert state(node) == old
        assert on_disk(node) == {"switches.json", "stuff"}
    finally:
        run("umount", directory)


def test_mtu_is_taken_back(node: Node) -> None:
    """By node-apply, and by its guard; also of the vSwitch's own interface."""
    old = state(node)
    for kill in (False, True):
        process = node.start(NEW, "--force", "--confirm", "30")
        answer(process)
        assert [links()[name] for name in ("e1", "e2")] == [(True, 1400)] * 2
        if kill:
            process.kill()
            wait_until(lambda: not family(node), "the guard's work")
        out, _ = process.communicate("no\n", timeout=20)
        assert kill or "; everything is as it was before" in out
        assert state(node) == old


def test_uplinks_that_alone_were_set_up(node: Node) -> None:
    """Are set down again when their document cannot be kept, and by who comes next."""
    run("ip", "link", "set", "e0", "down")
    old = state(node)
    node.stored.rename(node.stored.with_name("aside"))
    node.stored.mkdir()  # So nothing can take its name.
    said_last = node.json(OLD, code=1)
    assert "/switches.json cannot be written" in said_last["error"]
    assert said_last["error"].endswith("; everything is as it was before")
    assert links() == old[1]
    node.stored.rmdir()
    node.stored.with_name("aside").rename(node.stored)
    killed_before_the_confirmation(node, OLD)
    assert links()["e0"] == (True, 1500)
    assert reconcile(node)[0].startswith(f"{WORDS}\n")


def test_what_is_left_is_said(node: Node) -> None:
    """Not that everything is as it was, when it is not."""
    process = node.start(NEW, "--force", "--confirm", "30")
    answer(process)
    node.ovs.vsctl("set", "Bridge", "br0", "fail_mode=standalone")
    out, _ = process.communicate("no\n", timeout=20)
    assert "everything" not in out
    assert "it is taken back, but not all is as it was before: br0: fail_mode" in out
