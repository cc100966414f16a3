"""A node-apply that its guard has killed and that does not end: its disk hangs."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.node.document import change_lock
from tests.ovs.nodeapply import Node, Wanted, document
from tests.ovs.support import wanted
from tests.ovs.test_node_apply_kills import on_disk, reconcile
from tests.testbed.openvswitch import OpenVSwitch, wait_idle, wait_until
from tests.testbed.product import SOURCE, Product

OLD: Wanted = {"br0": {"datapath_type": "netdev"}}
NEW: Wanted = {"br0": {"datapath_type": "netdev", "fail_mode": "secure"}}
_SEIZE, _DETACH, _TRACE_EXIT = 0x4206, 17, 0x40
_EXIT_STOP = 6 << 8 | signal.SIGTRAP
CODE = """
import os, signal
from ganeti_ovs.node import guard
from ganeti_ovs.node import document, pending
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.node.checkpoint import to_data
from ganeti_ovs.node.switches import prepare
from ganeti_ovs.model.document import from_document
from ganeti_ovs.node import transaction
from ganeti_ovs.ovsdb.session import SWITCHES, Session
guard._END = {end}
here = runtime(os.environ)
text = {text!r}
wanted, _revision = from_document(text)
with document.change_lock(here, 5), Session({path!r}, SWITCHES, 10) as session:
    session.acquire()
    _plan, checkpoint = prepare(session, wanted, "")
    entry = pending.new_entry(here, text)
    pending.begin(here, entry, to_data(checkpoint))
    with guard.Guard.start(session, guard.Guarded(here, entry, checkpoint, 1)) as one:
        transaction.commit(session, checkpoint.operations, checkpoint.before, wanted)
        print(one.child, flush=True)
        signal.pause()
"""


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Node:
    found = Node(ovs, product)
    found.run(OLD)
    return found


class Killed:
    """A process that was killed and has not ended; its guard's number."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.guard = int(process.stdout.readline())

    def wait_for_kill(self) -> None:
        pid, status = os.waitpid(self.process.pid, 0)
        assert (pid, status >> 8) == (self.process.pid, _EXIT_STOP)

    def end(self) -> None:
        """Let it."""
        assert _ptrace(_DETACH, self.process.pid, 0) == 0
        assert self.process.wait(20) == -signal.SIGKILL

    def guard_lives(self) -> bool:
        try:
            with open(f"/proc/{self.guard}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False


def _ptrace(request: int, pid: int, data: int) -> int:
    call = ctypes.CDLL(None).ptrace
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    done: int = call(request, pid, None, data)
    return done


@contextmanager
def killed(node: Node, end: float) -> Iterator[Killed]:
    """A change to NEW whose process its guard has just killed; it is held (ptrace) right there."""
    code = CODE.format(text=document(NEW), path=str(node.ovs.socket), end=end)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=node.environ, cwd=SOURCE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            found = Killed(process)
            assert _ptrace(_SEIZE, process.pid, _TRACE_EXIT) == 0
            found.wait_for_kill()
            yield found
        finally:
            _ptrace(_DETACH, process.pid, 0)
            process.kill()


def keep_new(node: Node) -> None:
    """What the kernel was doing for it is done at last."""
    new = node.stored.with_name("switches.json.new")
    new.write_text(document(NEW))
    new.rename(node.stored)


@pytest.mark.parametrize("kept", [True, False])
def test_it_ends_late(kept: bool, node: Node) -> None:
    """Its guard looks what is kept only then."""
    old = wanted(node.ovs)
    with killed(node, end=60) as hanging:
        new = wanted(node.ovs)
        assert new != old
        # By now it has looked, if it does not wait.
        wait_idle(hanging.guard)
        if kept:
            keep_new(node)
        hanging.end()
        wait_until(lambda: not hanging.guard_lives(), "the guard's end")
    assert wanted(node.ovs) == (new if kept else old)
    assert on_disk(node) == {"switches.json", *([] if kept else ["tried.json"])}
    assert node.run(NEW if kept else OLD)[0] == ["nothing to do"]


@pytest.mark.parametrize("kept", [True, False])
def test_it_does_not_end(kept: bool, node: Node) -> None:
    """Then its guard decides nothing, and leaves it to who comes when it has."""
    old = wanted(node.ovs)
    with killed(node, end=0.5) as hanging:
        new = wanted(node.ovs)
        wait_until(lambda: not hanging.guard_lives(), "the guard's end")
        assert wanted(node.ovs) == new
        assert "pending.json" in on_disk(node)
        with pytest.raises(Busy), change_lock(node.runtime, 0):
            pass
        if kept:
            keep_new(node)
        hanging.end()
    out, _ = reconcile(node)
    assert out.startswith("finished a change" if kept else "taken back a change")
    assert wanted(node.ovs) == (new if kept else old)
    assert reconcile(node) == ("nothing to do\n", "")
