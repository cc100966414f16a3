"""What is read of a qemu that is none, or answers nonsense; the real one is in tests/ovs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ganeti_ovs.cluster import qemu

GREETING = b"QEMU 7.2.15 monitor - type 'help' for more information\r\n(qemu) "
ANSWER = (
    b"info network\r\n"
    b"virtio0: index=0,type=nic,model=virtio-net-pci,macaddr=aa:00:00:00:00:01\r\n"
    b" \\ nic-bdc23741-5995-403d: index=0,type=tap,fd=9\r\n"
    b"hub 0\r\n \\ hub0port0: user.0: index=0,type=user,net=10.0.2.0\r\n"
    b" \\ nic-bdc23741-5995-403e: index=0,type=tap,fd=12\r\n"
    b" \\ helper: index=0,type=tap,ifname=tap7,script=no\r\n"
    b" \\ huge: index=0,type=tap,fd=99999999999999999999\r\n"
    b"(qemu) "
)


@pytest.mark.parametrize(
    "pid", ["", "x", "-1", "0", "1 2", "\N{SUPERSCRIPT TWO}", "9" * 30, "../1"]
)
def test_no_process(pid: str) -> None:
    assert qemu.taps_of(pid, "inst1.lab") == {}


@contextmanager
def process(*command: str) -> Iterator[str]:
    """Its number, as soon as it is what it shall be."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        yield str(child.pid)
        child.kill()


SLEEPS = (sys.executable, "-ISc", "print(flush=True); input()")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("-name", "inst1.lab"), "inst1.lab"),
        (("-name", "inst1.lab,debug-threads=on", "-m", "16"), "inst1.lab"),
        (("-m", "16"), ""),
        (("-name",), ""),
        (("-name=inst1.lab",), ""),
        (("-smbios", "-name inst1.lab"), ""),
    ],
)
def test_whose_process(words: tuple[str, ...], name: str) -> None:
    with process(*SLEEPS, *words) as pid:
        assert qemu._name(pid) == name


def test_when_it_began(tmp_path: Path) -> None:
    """Also of a program whose name looks like the fields behind it (proc(5))."""
    odd = tmp_path / "a) R 1 2"
    shutil.copy("/bin/dash", odd)
    tick = 1 / os.sysconf("SC_CLK_TCK")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with process(str(odd), "-c", "echo; read line") as pid:
        after = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert "(a) R 1 2)" in Path(f"/proc/{pid}/stat").read_text()
        begun = int(qemu._begun(pid)) * tick
        assert before - 2 * tick <= begun <= after + 2 * tick
    assert qemu._begun(pid) == ""


@contextmanager
def monitor(path: Path, behave: Callable[[socket.socket], object]) -> Iterator[str]:
    """Takes one connection and lets `behave` have it, until the caller has closed it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            # The other end goes when it has enough.
            with peer, suppress(OSError):
                behave(peer)
                peer.recv(1)

        with ThreadPoolExecutor(1) as pool:
            served = pool.submit(serve)
            yield str(path)
            served.result(20)


def test_netdevs(tmp_path: Path) -> None:
    def answer(peer: socket.socket) -> None:
        for part in (GREETING[:20], GREETING[20:]):
            peer.sendall(part)
        assert peer.recv(100) == b"info network\n"
        for start in range(0, len(ANSWER), 50):
            peer.sendall(ANSWER[start : start + 50])

    with monitor(tmp_path / "monitor", answer) as path:
        assert qemu.netdevs(path) == {9: "nic-bdc23741-5995-403d", 12: "nic-bdc23741-5995-403e"}


def close(peer: socket.socket) -> None:
    peer.shutdown(socket.SHUT_RDWR)


def close_after_the_question(peer: socket.socket) -> None:
    peer.sendall(GREETING)
    peer.recv(100)
    close(peer)


def half_an_answer(peer: socket.socket) -> None:
    peer.sendall(GREETING)
    peer.recv(100)
    peer.sendall(ANSWER[:-1])


def say_nothing(peer: socket.socket) -> None:
    peer.recv(100)


def flood(peer: socket.socket) -> None:
    for _ in range(64):
        peer.sendall(b"x" * 65536)
    pytest.fail("4 MiB were read")


def drip(peer: socket.socket) -> None:
    for _ in range(100):
        peer.sendall(b"x")
        time.sleep(0.1)


def nonsense(peer: socket.socket) -> None:
    peer.sendall(b"\xff\0(qemu) ")
    peer.recv(100)
    peer.sendall(b" \\ \xff\xfe: index=0,type=tap,fd=x\r\n(qemu) ")


@pytest.mark.parametrize(
    "behave", [close, close_after_the_question, half_an_answer, say_nothing, flood, drip, nonsense]
)
def test_a_monitor_that_does_not_answer(
    behave: Callable[[socket.socket], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "_MONITOR_LIMIT", 0.3)
    begun = time.monotonic()
    with monitor(tmp_path / "monitor", behave) as path:
        assert qemu.netdevs(path) == {}
        # Far more than the limit: it is about waiting for ever.
        assert time.monotonic() - begun < 5


def test_no_monitor(tmp_path: Path) -> None:
    assert qemu.netdevs(str(tmp_path / "none")) == {}
    assert qemu.netdevs(str(tmp_path / ("x" * 200))) == {}
    (tmp_path / "file").write_text("")
    assert qemu.netdevs(str(tmp_path / "file")) == {}
