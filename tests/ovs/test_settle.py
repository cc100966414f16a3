"""A change that nobody has finished, and what stands in the way of taking it back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.model.document import sha256
from ganeti_ovs.node.document import change_lock
from ganeti_ovs.node.settle import settle
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from tests.ovs.nodeapply import Node, Wanted, answer, document
from tests.ovs.test_node_apply_kills import WORDS, killed_before_the_confirmation, on_disk
from tests.testbed.disk import Disk
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import SOURCE, Product

OLD: Wanted = {"br0": {"datapath_type": "netdev"}}
NEW: Wanted = {"br0": {"datapath_type": "netdev", "fail_mode": "secure"}}

OTHER: Wanted = {"br0": {"datapath_type": "netdev", "mcast_snooping": "yes"}}
BEGUN = """
import os, signal
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.node.guard import Guard, Guarded
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.checkpoint import to_data
from ganeti_ovs.node.switches import prepare
from ganeti_ovs.model.document import from_document
from ganeti_ovs.ovsdb.session import SWITCHES, Session
here = runtime(os.environ)
text = {text!r}
with document.change_lock(here, 5), Session({path!r}, SWITCHES, 10) as session:
    session.acquire()
    _plan, checkpoint = prepare(session, from_document(text)[0], "")
    entry = pending.new_entry(here, text)
    pending.begin(here, entry, to_data(checkpoint))
    if {guard}:
        Guard.start(session, Guarded(here, entry, checkpoint, 30))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_before_the_commit(node: Node, *, guard: bool = False) -> None:
    code = BEGUN.format(text=document(NEW), path=str(node.ovs.socket), guard=guard)
    done = subprocess.run([sys.executable, "-c", code], env=node.environ, cwd=SOURCE, check=False)
    assert done.returncode == -signal.SIGKILL
    with change_lock(node.runtime, 30):
        pass


@pytest.fixture
def disk(private: None, tmp_path: Path) -> Iterator[Disk]:
    fixture = Disk(tmp_path / "database")
    yield fixture
    fixture.close()


@pytest.fixture
def node(
    disk: Disk, tmp_path: Path, product: Product, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Node]:
    """Its database has a disk of its own, and br0 is kept as in OLD."""
    monkeypatch.setattr(tempfile, "tempdir", str(disk.path))
    with OpenVSwitch() as ovs:
        ovs.environ["LOCALSTATEDIR"] = str(tmp_path / "var")
        ovs.add_bridge("br0")
        found = Node(ovs, product)
        found.run(OLD)
        yield found


def fill(node: Node) -> None:
    """What is left of the last page of the database's file, too: no change fits any more."""
    for size in (500, 50, 1):
        for number in range(200):
            value = {"external_ids": ["map", [["x", f"{number}{'x' * size}"]]]}
            update = {"op": "update", "table": "Open_vSwitch", "where": [], "row": value}
            done = subprocess.run(
                ["ovsdb-client", "transact", f"unix:{node.ovs.socket}",
                 json.dumps(["Open_vSwitch", update])],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            if '"error"' in done.stdout:
                assert "I/O error" in done.stdout
                break
        else:
            pytest.fail("the disk does not get full")


def fail_mode(node: Node) -> Any:
    (row,) = (row for row in node.ovs.rows("Bridge") if row["name"] == "br0")
    return row["fail_mode"]


def reconcile(node: Node) -> tuple[int, str, str]:
    done = node.product.run(node.environ, node.product.gnt_ovs, "reconcile")
    return done.returncode, done.stdout, done.stderr


def test_the_databases_disk_is_full(node: Node, disk: Disk) -> None:
    """It is pending until there is room, whoever tries meanwhile."""
    killed_before_the_confirmation(node, NEW)
    watcher = node.product.etc / "ganeti" / "hooks" / "watcher" / "50-ovs"
    with disk.bad("full"):
        fill(node)
        code, _, err = reconcile(node)
        assert code == 1
        assert "refused the change: I/O error" in err
        assert "; it is pending still, " in err
        assert on_disk(node) == {"switches.json", "tried.json", "pending.json"}
        # Another change would write what undoes it over what undoes the first.
        refused = node.json(OLD, code=1)
        assert refused["tried"] is False
        assert "; it is pending still, " in refused["error"]
        assert "pending.json" in on_disk(node)
        done = node.product.run(node.environ, watcher)
        assert (done.returncode, "it is pending still" in done.stderr) == (1, True)
        assert fail_mode(node) == ["secure"]
    assert reconcile(node) == (0, f"{WORDS}\n", "")
    assert fail_mode(node) == []
    assert on_disk(node) == {"switches.json", "tried.json"}


def test_what_is_refused_for_certain_goes(node: Node) -> None:
    killed_before_the_confirmation(node, NEW)
    path = node.stored.with_name("pending.json")
    body = path.read_text().partition("\n")[2].replace('"fail_mode":["set",[]]', '"fail_mode":"no"')
    assert '"fail_mode":"no"' in body
    path.write_text(f"1 {sha256(body.rstrip())}\n{body}")
    code, out, err = reconcile(node)
    # Which leaves what is kept, and can be restored.
    assert (code, out) == (1, "br0: fail_mode secure -> standalone\n")
    assert "cannot be taken back: " in err
    assert "constraint violation" in err
    assert err.endswith("; gnt-ovs verify, gnt-ovs apply\n")
    assert "pending.json" not in on_disk(node)


def test_a_race_is_no_refusal(node: Node) -> None:
    """Somebody makes br-race again between the look and the commit; the second look sees it."""
    # Of no other test: a device that Open vSwitch leaves when it is ended would be in the way.
    both = {**OLD, "br-race": {"datapath_type": "netdev"}}
    node.run(both)
    killed_before_the_confirmation(node, NEW)

    class Raced(Session):
        raced = 0

        def commit(self, *arguments: Any) -> Any:
            if not Raced.raced:
                node.ovs.add_bridge("br-race")
            Raced.raced += 1
            return super().commit(*arguments)

    with Raced(str(node.ovs.socket), SWITCHES, 10) as session:
        session.acquire()
        done, problems = settle(session, node.runtime)
    assert Raced.raced == 2
    assert done == [WORDS]
    assert "cannot be taken back" not in "".join(problems)
    assert fail_mode(node) == []


def test_what_is_not_restored_is_not_said_to_be(node: Node, disk: Disk) -> None:
    node.stored.write_text(document({"br0": {"datapath_type": "netdev", "fail_mode": "secure"}}))
    with disk.bad("full"):
        fill(node)
        code, out, err = reconcile(node)
        assert (code, out) == (1, "")
        assert err.startswith("gnt-ovs: br0: Open vSwitch's database refused the change: ")
        assert fail_mode(node) == []
    code, out, err = reconcile(node)
    assert (code, err) == (0, "")
    assert out == "br0: fail_mode standalone -> secure\n"


def refuse(node: Node, wish: Wanted) -> str:
    """It is tried, and taken back; what is kept of that."""
    node.run(wish, "--confirm", "1", code=1)
    return node.stored.with_name("tried.json").read_text()


@pytest.mark.parametrize("former", [True, False])
@pytest.mark.parametrize("guard", [True, False])
def test_begun_and_nothing_done(guard: bool, former: bool, node: Node) -> None:
    """It was not tried, so the master need not leave the node alone for it."""
    files = {"switches.json", *(["tried.json"] if former else [])}
    tried = refuse(node, OTHER) if former else ""
    cfg = node.ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg")
    killed_before_the_commit(node, guard=guard)
    if not guard:
        assert "pending.json" in on_disk(node)
        assert reconcile(node) == (
            0, "forgotten a change of the vSwitches that was begun; nothing of it was done\n", "",
        )  # fmt: skip
    assert on_disk(node) == files
    assert not former or node.stored.with_name("tried.json").read_text() == tried
    assert node.ovs.vsctl("get", "Open_vSwitch", ".", "next_cfg") == cfg
    assert reconcile(node) == (0, "nothing to do\n", "")


def test_taken_back_and_not_said(node: Node) -> None:
    """Nothing of it is there, but it was tried: its guard had just put it back."""
    with node.start(NEW, "--confirm", "1") as process:
        assert answer(process)["applied"] is True
        pending, tried = (node.stored.with_name(f"{name}.json") for name in ("pending", "tried"))
        texts = pending.read_text(), tried.read_text()
        process.communicate(timeout=20)
    pending.write_text(texts[0])
    tried.write_text(texts[1])
    assert reconcile(node) == (
        0,
        "forgotten a change of the vSwitches that was never confirmed: nothing of it is there\n",
        "",
    )
    assert on_disk(node) == {"switches.json", "tried.json"}
    assert "the change was not confirmed: " in tried.read_text()
