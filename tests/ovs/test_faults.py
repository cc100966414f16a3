"""Open vSwitch dead, hanging or unwilling: an error in time, and nothing left behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket

import pytest

from ganeti_ovs.cluster.environment import nic_of, said_in
from ganeti_ovs.cluster.runtime import APPLY_LIMIT, runtime
from ganeti_ovs.ifup import nic, outcome
from ganeti_ovs.linux.ending import Terminated
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.operations import Operation, Update
from ganeti_ovs.node.ports import attach
from ganeti_ovs.node.tap import take_back
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.decode import Reply
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.ovsdb.stream import ANSWER_LIMIT
from tests.ovs.support import environ, port, wanted
from tests.testbed.guests import Guests
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.tap import Tap

LIMITED = {"TAGS": "ovs:nic:0:max_bandwidth:10M"}
_SLOW = 3.0
"""How many times as long as it says itself a program may take on a busy machine."""


@contextmanager
def within(limit: float) -> Iterator[None]:
    """`limit`: the product's own, in seconds."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < limit * _SLOW


def full_queue(ovs: OpenVSwitch) -> list[socket]:
    """Connections that fill ovsdb-server's queue, which it does not look at."""
    ovs.freeze_server(True)
    waiting = []
    while True:
        one = socket(AF_UNIX, SOCK_STREAM)
        one.setblocking(False)
        waiting.append(one)
        try:
            one.connect(str(ovs.socket))
        except BlockingIOError:
            return waiting


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    found = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found += os.readlink(link).startswith("socket:")
    return found


def test_a_full_queue_is_waited_for(ovs: OpenVSwitch, product: Product) -> None:
    waiting = full_queue(ovs)
    with Tap("tap0"):
        process = subprocess.Popen(
            [product.kvm_vif_bridge], env=environ(ovs), stderr=subprocess.PIPE, text=True
        )
        # The kernel's for the tap, and one that waits for ovsdb-server.
        wait_until(lambda: process.poll() is not None or sockets(process.pid) >= 2, "sockets")
        for one in waiting:
            one.close()
        ovs.freeze_server(False)
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
        assert port(ovs, "tap0")["tag"] == [100]


@pytest.mark.rest
def test_a_queue_that_stays_full(ovs: OpenVSwitch, product: Product) -> None:
    waiting = full_queue(ovs)
    with Tap("tap0"), within(ANSWER_LIMIT):
        done = product.run(environ(ovs))
    for one in waiting:
        one.close()
    ovs.freeze_server(False)
    assert done.returncode == 1
    assert "no connection within 4 s, others wait, too; is ovsdb-server busy" in done.stderr
    assert done.stderr.count("\n") == 1
    assert ovs.vsctl("list-ports", "br0") == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal(number: signal.Signals, ovs: OpenVSwitch, product: Product) -> None:
    """While it waits for ovs-vswitchd: what it has attached is taken back."""
    before = wanted(ovs)
    ovs.stop_vswitchd()
    with Tap("tap0"):
        process = subprocess.Popen(
            # As a job in the background, the tests themselves may ignore SIGINT.
            ["env", f"--default-signal={number.value}", product.kvm_vif_bridge],
            env=environ(ovs, GANETI_OVS_TIMEOUT="60"),
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: len(ovs.rows("Port")) == 3, "the row")
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert error.startswith("ganeti-ovs: inst1.lab, NIC 0 (tap0 on vSwitch br0): ")
    assert error.endswith(f"was ended by {number.name}\n")
    assert error.count("\n") == 1
    assert wanted(ovs) == before


def test_ended_before_the_answer(ovs: OpenVSwitch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is there, but the signal came while that was read: the answer is lost."""
    before = wanted(ovs)
    call = environ(ovs)
    commit = Session.commit

    def ended(session: Session, operations: Sequence[Operation]) -> tuple[list[Reply], int]:
        monkeypatch.setattr(Session, "commit", commit)
        session.commit(operations)
        assert "tap0" in ovs.vsctl("list-ports", "br0")
        raise Terminated

    ovs.stop_vswitchd()
    monkeypatch.setattr(Session, "commit", ended)
    with (
        Tap("tap0"),
        Session(str(ovs.socket), "tap0", 60) as session,
        pytest.raises(Terminated),
    ):
        attach(session, nic_of(said_in(call)).plugged("now"))
    assert wanted(ovs) == before


def test_a_change_that_cannot_be_waited_for(
    ovs: OpenVSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has set next_cfg back, and ovsdb-server does not let it be raised: the port goes."""
    before = wanted(ovs)
    transact = Session.transact

    def refuse(session: Session, operations: Sequence[Operation]) -> list[Reply]:
        if isinstance(operations[0], Update):
            monkeypatch.setattr(Session, "transact", transact)
            assert "tap0" in ovs.vsctl("list-ports", "br0")
            raise TransactionFailed("not allowed", "")
        return transact(session, operations)

    ovs.wait_idle()
    ovs.stop_vswitchd()  # It would set cur_cfg back, too.
    ovs.vsctl("--no-wait", "set", "Open_vSwitch", ".", "next_cfg=0")
    monkeypatch.setattr(Session, "transact", refuse)
    with (
        Tap("tap0"),
        Session(str(ovs.socket), "tap0", 60) as session,
        pytest.raises(Error, match="the change is made, but cannot be waited for"),
    ):
        attach(session, nic_of(said_in(environ(ovs))).plugged("now"))
    assert wanted(ovs) == before


def test_taking_back_waits_for_nobody(ovs: OpenVSwitch, product: Product) -> None:
    """Who ends a call because ovs-vswitchd hangs would wait for it once more."""
    before = wanted(ovs)
    call = environ(ovs, GANETI_OVS_TIMEOUT="60")
    with Tap("tap0"):
        assert product.run(call).returncode == 0
        ovs.stop_vswitchd()
        started = time.monotonic()
        take_back(runtime(call), said_in(call))
        assert time.monotonic() - started < 30
    assert wanted(ovs) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ends with it
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_fault_of_our_own_leaves_nothing(
    debug: str,
    ovs: OpenVSwitch,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = wanted(ovs)
    environment = environ(ovs)
    monkeypatch.setenv("GANETI_OVS_DEBUG", debug)

    def main() -> int:
        assert nic.up(environment) == 0
        assert wanted(ovs) != before
        raise KeyError("x")

    handler = signal.getsignal(signal.SIGTERM)
    with Tap("tap0"):
        assert outcome.of(main, environment, attaches=True) == 1
    signal.signal(signal.SIGTERM, handler)
    error = capfd.readouterr().err
    assert "unexpected KeyError: 'x'; please report it; GANETI_OVS_DEBUG=1" in error
    assert ("Traceback" in error) == bool(debug)
    assert debug or error.count("\n") == 1
    gc.collect()
    assert wanted(ovs) == before


def test_no_server(ovs: OpenVSwitch, product: Product) -> None:
    ovs.stop_vswitchd()
    ovs.stop_server()
    with Tap("tap0"), within(ANSWER_LIMIT):
        done = product.run(environ(ovs))
    assert done.returncode == 1
    assert "Open vSwitch's database does not answer at " in done.stderr
    assert done.stderr.endswith("is ovsdb-server running?\n")
    assert done.stderr.count("\n") == 1


def test_server_hangs(ovs: OpenVSwitch, product: Product) -> None:
    ovs.freeze_server(True)
    # Once to attach, once more to take it back.
    with Tap("tap0"), within(2 * ANSWER_LIMIT + 3):
        done = product.run(environ(ovs))
    ovs.freeze_server(False)
    assert done.returncode == 1
    assert "no answer within 4 s" in done.stderr
    assert "whether the port tap0 is there is not known: gnt-ovs reconcile" in done.stderr
    assert done.stderr.count("\n") == 1


def test_vswitchd_dead(ovs: OpenVSwitch, product: Product) -> None:
    before = wanted(ovs)
    ovs.stop_vswitchd()
    with Tap("tap0"), within(ANSWER_LIMIT):
        done = product.run(environ(ovs, GANETI_OVS_TIMEOUT="1.5", **LIMITED))
        assert done.returncode == 1
        assert "ovs-vswitchd has not applied the change within 1.5 s" in done.stderr
        assert done.stderr.count("\n") == 1
        assert wanted(ovs) == _without_next_cfg(before)
        assert "DOWN" in run("ip", "link", "show", "tap0")
        # Back again, it goes on as if nothing had been.
        ovs.start_vswitchd()
        assert product.run(environ(ovs, **LIMITED)).returncode == 0


def _without_next_cfg(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    return {table: found for table, found in rows.items() if table != "Open_vSwitch"}


@pytest.mark.rest
def test_default_time_limit(ovs: OpenVSwitch, product: Product) -> None:
    ovs.stop_vswitchd()
    with Tap("tap0"), within(APPLY_LIMIT):
        done = product.run(environ(ovs))
    assert "within 10 s" in done.stderr
    assert ovs.rows("Interface") and len(ovs.rows("Port")) == 2


def test_server_dies_while_we_wait(ovs: OpenVSwitch, product: Product) -> None:
    ovs.stop_vswitchd()
    with Tap("tap0"):
        process = subprocess.Popen(
            [product.kvm_vif_bridge],
            env=environ(ovs, GANETI_OVS_TIMEOUT="30"),
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: len(ovs.rows("Port")) == 3, "the row")
        ovs.stop_server()
        _, error = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "ovsdb-server closed the connection" in error
    assert "whether the port tap0 is there is not known" in error
    assert error.count("\n") == 1
    # It says what is left; the next call for this tap puts it right.
    ovs.start_server()
    ovs.start_vswitchd()
    with Tap("tap0"):
        assert product.run(environ(ovs)).returncode == 0
    assert len(ovs.rows("Port")) == 3


def test_vswitchd_refuses_the_port(private: None, product: Product) -> None:
    """ovs-vswitchd in another network namespace: the tap is not there for it."""
    with OpenVSwitch(("unshare", "--net")) as ovs:
        ovs.add_bridge("br0")
        before = wanted(ovs)
        with Tap("tap0"):
            done = product.run(environ(ovs, **LIMITED))
        assert done.returncode == 1
        assert "ovs-vswitchd refuses the port: " in done.stderr
        assert "could not open network device tap0 (No such device)" in done.stderr
        assert done.stderr.count("\n") == 1
        assert wanted(ovs) == before


def test_next_cfg_set_back(ovs: OpenVSwitch, product: Product) -> None:
    """As a restored database can have it: cur_cfg is ahead and must not be believed.

    ovs-vswitchd is held, as it would put that right at once.
    """
    with Tap("tap0"), held(ovs) as go_on:
        row = {"next_cfg": 5, "cur_cfg": 1000}
        update = {"op": "update", "table": "Open_vSwitch", "where": [], "row": row}
        run("ovsdb-client", "transact", f"unix:{ovs.socket}", json.dumps(["Open_vSwitch", update]))
        process = start(ovs, product)
        go_on()
        _, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (0, "")
        assert port(ovs, "tap0")["interface"]["ofport"] != []


def test_the_tap_is_another_one_when_it_is_to_be_set_up(ovs: OpenVSwitch, product: Product) -> None:
    """Its name was used anew meanwhile: the port must not stay, and the new tap not come up."""
    before = wanted(ovs)
    with held(ovs) as go_on:
        with Tap("tap0"):
            process = start(ovs, product, **LIMITED)
        with Tap("tap0"):
            go_on()
            _, error = process.communicate(timeout=30)
            assert process.returncode == 1
            assert "tap0: there is no such interface" in error
            assert error.count("\n") == 1
            assert wanted(ovs) == before
            assert "DOWN" in run("ip", "link", "show", "tap0")


@contextmanager
def held(ovs: OpenVSwitch) -> Iterator[Callable[[], None]]:
    """ovs-vswitchd stands still until the yielded function is called."""
    os.kill(ovs.pid(), signal.SIGSTOP)
    try:
        yield lambda: os.kill(ovs.pid(), signal.SIGCONT)
    finally:
        os.kill(ovs.pid(), signal.SIGCONT)


def start(ovs: OpenVSwitch, product: Product, **changes: str) -> subprocess.Popen[str]:
    """A call for tap0 that has written its rows and waits, or has ended before its time."""
    process = subprocess.Popen(
        [product.kvm_vif_bridge], env=environ(ovs, **changes), stderr=subprocess.PIPE, text=True
    )

    def written() -> bool:
        return any(row["name"] == "tap0" for row in ovs.rows("Port"))

    wait_until(lambda: written() or process.poll() is not None, "the row")
    return process


@pytest.mark.parametrize("bridge_row", ["br0"])
def test_bridge_without_datapath(bridge_row: str, ovs: OpenVSwitch, product: Product) -> None:
    """vswitchd has the bridge's row but could not make the bridge: no ofport, no error."""
    ovs.vsctl("--no-wait", "set", "bridge", bridge_row, "datapath_type=nonsense")
    before = wanted(ovs)
    with Tap("tap0"), within(ANSWER_LIMIT):
        done = product.run(environ(ovs, **LIMITED))
    assert done.returncode == 1
    assert "ovs-vswitchd refuses the port" in done.stderr
    assert wanted(ovs) == before


@pytest.mark.parametrize("local", [False, True])
def test_a_failed_start_leaves_no_port_of_its_other_nics(
    local: bool, ovs: OpenVSwitch, product: Product
) -> None:
    """NIC 0 is attached, NIC 1 fails: Ganeti starts no guest, and runs no hook."""
    before = wanted(ovs)
    own = product.kvm_vif_bridge.with_name("kvm-vif-bridge.local")
    with Tap("tap0"), Tap("tap1"):
        assert product.run(environ(ovs)).returncode == 0
        if local:
            own.write_text("#!/bin/sh\nexit 3\n")
            own.chmod(0o755)
        try:
            second = {"INTERFACE_INDEX": "1", **({} if local else {"LINK": "nobr"})}
            done = product.run(environ(ovs, "tap1", **second))
        finally:
            own.unlink(missing_ok=True)
        assert done.returncode == (3 if local else 1)
        if not local:
            assert "no vSwitch nobr" in done.stderr
            assert done.stderr.endswith("; removed tap0 of the same start, too\n")
        assert wanted(ovs) == before


def test_a_failed_hot_plug_leaves_the_other_nics_alone(ovs: OpenVSwitch, product: Product) -> None:
    guests = Guests(ovs.dir / "var")
    try:
        guests.start("inst1.lab", environ(ovs))
        assert product.run(environ(ovs)).returncode == 0
        right = wanted(ovs)
        with Tap("tap1"):
            done = product.run(environ(ovs, "tap1", INTERFACE_INDEX="1", LINK="nobr"))
        assert done.returncode == 1
        assert "removed" not in done.stderr
        assert wanted(ovs) == right
    finally:
        guests.close()
