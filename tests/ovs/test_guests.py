"""The test bed's guests: after hot-plugging, a node looks as one of Ganeti 3.0 does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from socket import AF_PACKET, AF_UNIX, SOCK_RAW, SOCK_STREAM, socket
from tempfile import TemporaryDirectory

import pytest

from tests.captured import ACCESS
from tests.testbed.frames import frame
from tests.testbed.guests import Guests
from tests.testbed.namespace import run

UUIDS = {
    "tap0": "bdc23741-5995-403d-8ac7-475db57bbb6f",
    "tap1": "5da278b5-d18e-426d-b929-b7afc39453ed",
    "tap2": "00000002-0000-4000-8000-000000000002",
}


def nic(tap: str, **changes: str) -> dict[str, str]:
    return {**ACCESS, "INTERFACE": tap, "INTERFACE_UUID": UUIDS[tap], **changes}


@pytest.fixture
def guests(private: None) -> Iterator[Guests]:
    # Not tmp_path: the path of a monitor's socket must have less than 108 bytes.
    with TemporaryDirectory(prefix="ganeti-ovs-test-") as directory:
        fixture = Guests(Path(directory))
        yield fixture
        fixture.close()


def network(guests: Guests) -> dict[str, str]:
    """qemu's device -> the tap that it really holds for it: `info network`, and the kernel."""
    with socket(AF_UNIX, SOCK_STREAM) as monitor:
        monitor.settimeout(10)
        monitor.connect(str(guests.root / "ctrl/inst1.lab.monitor"))
        monitor.sendall(b"info network\n")
        text = b""
        while text.count(b"(qemu) ") < 2:
            text += monitor.recv(4096)
    fdinfo = Path(f"/proc/{guests.pid('inst1.lab')}/fdinfo")
    found = {}
    for name, handle in re.findall(r"(\S+): index=0,type=tap,fd=(\d+)", text.decode()):
        (found[name],) = re.findall(r"iff:\s*(\S+)", (fdinfo / handle).read_text())
    return found


def kept(guests: Guests) -> tuple[list[str], dict[str, str]]:
    """(UUIDs in the runtime file, index -> tap by the files)."""
    runtime = json.loads((guests.root / "conf/inst1.lab.runtime").read_text())
    files = {path.name: path.read_text() for path in (guests.root / "nic/inst1.lab").iterdir()}
    return [entry["uuid"] for entry in runtime[1]], files


def test_hot_plug(guests: Guests) -> None:
    order: list[dict[str, str]] = []
    guests.start("inst1.lab", nic("tap0"), nic("tap1"), script=order.append)
    assert order == [nic("tap0"), nic("tap1")]
    assert (guests.root / "pid/inst1.lab").read_text() == f"{guests.pid('inst1.lab')}\n"
    first = {"nic-bdc23741-5995-403d": "tap0", "nic-5da278b5-d18e-426d": "tap1"}
    assert network(guests) == first
    assert kept(guests) == ([UUIDS["tap0"], UUIDS["tap1"]], {"0": "tap0", "1": "tap1"})

    guests.hot_modify("inst1.lab", 0, nic("tap0", VLAN=".5"))
    assert network(guests) == first
    assert kept(guests) == ([UUIDS["tap1"], UUIDS["tap0"]], {"0": "tap0", "1": "tap1"})

    guests.hot_remove("inst1.lab", 0)
    assert kept(guests) == ([UUIDS["tap1"]], {"1": "tap1"})
    assert "tap0" not in run("ip", "-o", "link")
    # The NIC that is index 0 now kept the file of index 1, which the new NIC takes.
    guests.hot_add("inst1.lab", nic("tap2"))
    assert network(guests) == {"nic-5da278b5-d18e-426d": "tap1", "nic-00000002-0000-4000": "tap2"}
    assert kept(guests) == ([UUIDS["tap1"], UUIDS["tap2"]], {"1": "tap2"})


@pytest.mark.parametrize("crash", [False, True])
def test_end(crash: bool, guests: Guests) -> None:
    guests.start("inst1.lab", nic("tap0"))
    guests.stop("inst1.lab", crash=crash)
    assert "tap0" not in run("ip", "-o", "link")
    kept_files = ("pid/inst1.lab", "conf/inst1.lab.runtime", "nic/inst1.lab/0")
    assert [(guests.root / name).exists() for name in kept_files] == [crash] * 3


def test_frames_come_to_the_test_and_not_to_qemu(guests: Guests) -> None:
    guests.start("inst1.lab", nic("tap0"))
    guests.hot_add("inst1.lab", nic("tap1"))
    for tap in guests.taps["inst1.lab"]:
        run("ip", "link", "set", tap.name, "up")
        sent = [frame(number) for number in range(3)]
        with socket(AF_PACKET, SOCK_RAW) as kernel:
            kernel.bind((tap.name, 0))
            for data in sent:
                kernel.send(data)
        assert tap.received() == sent
