"""Records of taps: whole, and of the very plug, or not there."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganeti_ovs.cluster import qemu
from ganeti_ovs.cluster.environment import NicSettings, said_in
from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.model.plug import Plug, parse_plug
from ganeti_ovs.node import records, running
from ganeti_ovs.node.running import running_nics
from tests.captured import ACCESS

NIC = said_in({**ACCESS, "INTERFACE": "tap0", "VLAN": ".100"})
PLUG = Plug("0123abcd", 7, 123456789)
# As the environment has any bytes of a process.
texts = st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


def directory(here: Runtime) -> Path:
    return Path(here.run) / "ganeti-ovs" / "nic"


def test_what_was_written_is_read(here: Runtime) -> None:
    assert records.read(here, "tap0") is None
    records.write(here, NIC, PLUG)
    assert records.read(here, "tap0") == records.Record(PLUG, NIC)
    records.write(here, NIC.but(vlan=""), PLUG)
    (without,) = records.read_all(here).values()
    assert without.nic == NIC.but(vlan="")
    assert os.listdir(directory(here)) == ["tap0"]
    records.forget(here, "tap0")
    assert os.listdir(directory(here)) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(list(records.NAMES)), texts))
def test_any_values(here: Runtime, values: dict[str, str]) -> None:
    nic = NicSettings(**{**values, "tap": "tap0"})
    records.write(here, nic, PLUG)
    expected = NicSettings(**{field: text for field, text in vars(nic).items() if "\n" not in text})
    assert records.read(here, "tap0") == records.Record(PLUG, expected)


def test_cut_short_at_every_length(here: Runtime) -> None:
    records.write(here, NIC, PLUG)
    path = directory(here) / "tap0"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert records.read(here, "tap0") is None
        assert records.read_all(here) == {}


def test_begun_anew_behind_its_end(here: Runtime) -> None:
    """A short record over a long one that was not cut, and whatever else follows the end."""
    records.write(here, NIC, PLUG)
    path = directory(here) / "tap0"
    whole = path.read_bytes()
    for more in (b"\n", b"VLAN=.5\n", whole, whole[-20:]):
        path.write_bytes(whole + more)
        assert records.read(here, "tap0") is None


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel writes a part, and returns no error before the next try: as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_short_write_at_every_length(here: Runtime) -> None:
    """The former record goes with it: it is not what holds now."""
    records.write(here, NIC, PLUG)
    size = (directory(here) / "tap0").stat().st_size
    for length in range(size):
        records.write(here, NIC, PLUG)
        with pytest.raises(OSError, match="File too large"), files_of_at_most(length):
            records.write(here, NIC.but(vlan=".200"), PLUG)
        assert os.listdir(directory(here)) == []
    with files_of_at_most(size):
        records.write(here, NIC.but(vlan=".200"), PLUG)
    record = records.read(here, "tap0")
    assert record is not None
    assert record.nic.vlan == ".200"


def test_a_half_that_cannot_be_replaced(here: Runtime) -> None:
    """The error is that of writing, and the former record goes all the same."""
    records.write(here, NIC, PLUG)
    path = directory(here) / "tap0~"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        records.write(here, NIC, PLUG)
    assert not (directory(here) / "tap0").exists()


def test_of_another_tap(here: Runtime) -> None:
    records.write(here, NIC, PLUG)
    os.rename(directory(here) / "tap0", directory(here) / "tap1")
    assert records.read(here, "tap1") is None
    assert records.read_all(here) == {}


@pytest.mark.parametrize(
    ("boot", "ifindex", "counts"), [("", 7, True), ("", 8, False), ("0123abcd", 7, False)]
)
def test_only_of_this_plug(boot: str, ifindex: int, counts: bool, here: Runtime) -> None:
    """By a Xen vif, as that needs no process that holds it."""
    now = records.plug_now(7)
    assert parse_plug(now.text()) == now
    records.write(here, NIC.but(tap="vif1.0"), Plug(boot or now.boot, ifindex, now.time))
    found = running_nics(here, {"vif1.0": 7})
    assert ("vif1.0" in found) == counts
    if counts:
        assert found["vif1.0"].nic == NIC.but(tap="vif1.0")


def test_whose_taps_are(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kernel alone: pid files outlive their guests, and interfaces go."""
    pids = Path(here.run) / "ganeti/kvm-hypervisor/pid"
    pids.mkdir(parents=True)
    for name, pid in (("web.lab", "7"), ("gone.lab", "8"), ("-x y", "9")):
        (pids / name).write_text(pid)
    held = {("7", "web.lab"): {9: "tap0", 10: "tap1", 11: "tap9"}, ("9", "-x y"): {9: "tap3"}}
    monkeypatch.setattr(qemu, "taps_of", lambda *guest: held.get(guest, {}))
    there = {"tap0": 1, "tap1": 2, "tap3": 3, "vif1.0": 4}
    monkeypatch.setattr(running, "interfaces", lambda: there)
    assert running.running_taps(here) == {"tap0": "web.lab", "tap1": "web.lab"}


def test_half_a_record_is_none(here: Runtime) -> None:
    """kill -9 before it got its name."""
    records.write(here, NIC, PLUG)
    os.rename(directory(here) / "tap0", directory(here) / "tap0~")
    assert records.read(here, "tap0") is None
    assert records.read_all(here) == {}
    assert records.names(here) == records.halves(here) == {"tap0"}
    records.write(here, NIC, PLUG)
    assert os.listdir(directory(here)) == ["tap0"]
    assert (records.names(here), records.halves(here)) == ({"tap0"}, set())
    (directory(here) / "tap0~").write_text("INST")
    records.forget_half(here, "tap0")
    assert records.read(here, "tap0") == records.Record(PLUG, NIC)
    (directory(here) / "tap0~").write_text("INST")
    records.forget(here, "tap0")
    assert os.listdir(directory(here)) == []


def ended(body: bytes) -> bytes:
    return body + b"END=%d\n" % len(body)


TEXT = PLUG.text().encode()
HOSTILE = [
    b"",
    b"\0" * 4096,
    b"\xff\xfe" * 1000,
    b"END=",
    b"END=0\n",
    b"END=-1\n",
    b"END=00\n",
    b"=\n=\n",
    ended(b""),
    ended(b"\n" * 100),
    ended(b"INTERFACE=tap0\n"),
    ended(b"INTERFACE=tap0\nPLUG=\n"),
    ended(b"INTERFACE=tap0\nPLUG=null\n"),
    ended(b"INTERFACE=tap0\nPLUG=" + b"9" * 5000 + b"\n"),
    ended(b"INTERFACE=tap0\nPLUG=0123abcd.1.\xd9\xa1\n"),
    ended(b"INTERFACE=../../etc/passwd\nPLUG=" + TEXT + b"\n"),
    ended(b"PLUG=" + TEXT + b"\n"),
    ended(b"INTERFACE=tap0\0\nPLUG=" + TEXT + b"\n"),
    ended(b"A=" * (1 << 20)),
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_contents(content: bytes, here: Runtime) -> None:
    directory(here).mkdir(parents=True)
    (directory(here) / "tap0").write_bytes(content)
    assert records.read(here, "tap0") is None
    assert records.read_all(here) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary())
def test_any_body(here: Runtime, body: bytes) -> None:
    """What is whole, and says tap and plug, is taken line by line and no line else."""
    directory(here).mkdir(parents=True, exist_ok=True)
    lines = body + b"\nINTERFACE=tap0\nPLUG=" + TEXT + b"\n"
    (directory(here) / "tap0").write_bytes(ended(lines))
    record = records.read(here, "tap0")
    assert record is not None
    assert record.nic.tap == "tap0"


def test_hostile_files(here: Runtime, tmp_path: Path) -> None:
    """Nothing waits for ever, and names of files are only names."""
    place = directory(here)
    place.mkdir(parents=True)
    os.mkfifo(place / "tap0")
    (place / "tap1").mkdir()
    (place / "tap2").symlink_to("tap2")
    (place / "tap3").symlink_to("/dev/zero")
    (place / "~").write_text("")
    (place / os.fsdecode(b"\xff")).write_text("")
    # Who waits for the FIFO's other end is let go in the end, and is too late.
    late = threading.Timer(5, lambda: os.close(os.open(place / "tap0", os.O_RDWR)))
    late.start()
    begun = time.monotonic()
    assert records.read_all(here) == {}
    late.cancel()
    assert time.monotonic() - begun < 5
    assert records.names(here) == {"tap0", "tap1", "tap2", "tap3", "", os.fsdecode(b"\xff")}
    for tap in ("tap0", "tap2", "tap3"):
        records.write(here, NIC.but(tap=tap), PLUG)
        record = records.read(here, tap)
        assert record is not None
        assert record.nic.tap == tap
    with pytest.raises(IsADirectoryError):
        records.write(here, NIC.but(tap="tap1"), PLUG)
    assert not (place / "tap1~").exists()


def test_no_directory_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    here = runtime({"LOCALSTATEDIR": str(tmp_path)})
    with pytest.raises(NotADirectoryError):
        records.write(here, NIC, PLUG)
    records.forget(here, "tap0")
    assert (records.read(here, "tap0"), records.read_all(here)) == (None, {})
