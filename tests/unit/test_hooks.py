"""Hooks import and read what their event needs, and no more: they run twice in every job."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.environment import said_in
from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.model.plug import Plug
from ganeti_ovs.model.snapshot import Snapshot
from ganeti_ovs.node import look as looking
from ganeti_ovs.node.running import Running
from ganeti_ovs.node.seen import Seen
from tests.captured import ACCESS, DIRECTORY, environment
from tests.unit.test_imports import PACKAGE

CODE = f"""
import sys
sys.path.insert(1, {str(PACKAGE.parent)!r})
from ganeti_ovs.hooks import main
code = main.main()
print(code, *sys.modules)
"""


def modules(name: str, directory: Path, **changes: str) -> set[str]:
    """What a hook has imported that ends well, on a node on which it need not look at anything."""
    environ = {**environment(DIRECTORY / "hooks" / f"{name}.env"), "LOCALSTATEDIR": str(directory)}
    environ |= {"OVS_RUNDIR": str(directory), "GANETI_INSTANCE_PRIMARY": "elsewhere", **changes}
    done = subprocess.run(
        ["/usr/bin/python3", "-IBc", CODE], env=environ, capture_output=True, text=True, check=True
    )
    code, *found = done.stdout.split()
    assert (code, done.stderr) == ("0", "")
    return set(found)


def test_before_an_operation(tmp_path: Path) -> None:
    """Tags by index alone make it look at the guests that run."""
    found = modules("instance-modify-pre", tmp_path)
    assert "ganeti_ovs.hooks.before" in found
    assert not found & {"dataclasses", "json", "socket", "subprocess", "ganeti_ovs.node.running"}
    by_index = modules("instance-modify-pre", tmp_path, GANETI_INSTANCE_TAGS="ovs:nic:0:vlan:.1")
    assert "ganeti_ovs.node.running" in by_index


def test_after_an_operation(tmp_path: Path) -> None:
    """Without Open vSwitch, nothing; with it, neither the master's part nor Xen's tools."""
    without = modules("instance-stop-post", tmp_path)
    assert "ganeti_ovs.hooks.after" in without
    assert not any(one.startswith(("ganeti_ovs.node", "ganeti_ovs.master")) for one in without)
    assert not without & {"dataclasses", "json", "socket", "subprocess"}
    with_it = modules_of("ganeti_ovs.node.reconcile")
    assert "ganeti_ovs.plan.portsplan" in with_it
    assert not with_it & {"json", "socket", "subprocess", "logging", "click"}
    assert not any(one.startswith("ganeti_ovs.master") for one in with_it)


def modules_of(module: str) -> set[str]:
    code = f"import sys; sys.path.insert(1, {str(PACKAGE.parent)!r}); import {module}"
    done = subprocess.run(
        ["/usr/bin/python3", "-IBc", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


@pytest.fixture
def reads(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read for Ganeti's configuration."""
    path = Path(here.lib) / "ganeti" / "config.data"
    path.parent.mkdir(parents=True)
    path.write_text('{"instances": {"a": {"name": "inst1.lab", "tags": ["x"], "nics": []}}}')
    found: list[str] = []
    read = files.read

    def counted(name: str, longest: int = files.LONGEST) -> str | None:
        if name == str(path):
            found.append(name)
        return read(name, longest)

    monkeypatch.setattr(files, "read", counted)
    return found


def view(here: Runtime, monkeypatch: pytest.MonkeyPatch, *running: Running) -> Seen:
    """What a look sees on a node with an empty database."""
    nothing = Snapshot(live={}, odd={}, switches=frozenset(), orphans=())
    monkeypatch.setattr(looking, "read_snapshot", lambda _client: nothing)
    monkeypatch.setattr(looking, "interfaces", lambda: {"tap0": 7, "tap1": 8})
    monkeypatch.setattr(looking, "running_nics", lambda *_any: {one.tap: one for one in running})
    news = {ACCESS["INTERFACE_UUID"]: said_in(ACCESS)}
    return looking.look(None, here, news)  # type: ignore[arg-type]


def test_the_configuration_is_not_read_in_vain(
    here: Runtime, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where no guest runs, nor for NICs of other modes or those that the hook tells of."""
    told, record = said_in(ACCESS), Plug("0123abcd", 7, 1)
    assert not view(here, monkeypatch).desired.nics
    bridged = Running("inst2.lab", "tap1", told.but(mode="bridged", uuid="other", tap="tap1"))
    found = view(here, monkeypatch, Running("inst1.lab", "tap0", told, record), bridged)
    assert found.desired.nics.keys() == {"tap0"}
    assert reads == []


def test_the_configuration_is_read_once(
    here: Runtime, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all NICs that the hook does not tell of: their tags may have changed."""
    nic = said_in({**ACCESS, "INTERFACE_UUID": ACCESS["INTERFACE_UUID"].replace("b", "c")})
    running = (
        Running("inst1.lab", tap, nic.but(tap=tap), Plug("0123abcd", number, 1))
        for tap, number in (("tap0", 7), ("tap1", 8))
    )
    found = view(here, monkeypatch, *running)
    assert {nic.tags for nic in found.unwritten.values()} == {"x"}
    assert len(reads) == 1
