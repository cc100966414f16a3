"""One change, made by node-apply, without Open vSwitch: of a link that is another one by now."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.model.document import digest
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.rows import Tables
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.checkpoint import Checkpoint, Device
from ganeti_ovs.node.commit import Commit
from ganeti_ovs.node.phases import Phase
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.ovsdb.switches import READ

TEXT = '{"format": 1, "revision": "7", "switches": {}}'
WHY = "not confirmed within 1 s"
TABLES = Tables((table, {}) for table in READ)
BACK = "; everything is as it was before"


class NoSession:
    def close(self) -> None:
        pass


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


def commit(here: Runtime, *, empty: bool = False) -> Commit:
    devices = () if empty else (Device("lo", 1 << 20, False, 1500, 0),)
    session = cast(Session, NoSession())
    return Commit(session, here, (), TEXT, Checkpoint([], TABLES, devices=devices))


def on_disk(here: Runtime) -> set[str]:
    return set(os.listdir(f"{here.lib}/ganeti-ovs"))


def no(*_arguments: object) -> int:
    raise OSError(11, "Resource temporarily unavailable")


@pytest.mark.parametrize("empty", [True, False])
def test_confirmed(empty: bool, here: Runtime) -> None:
    one = commit(here, empty=empty)

    def confirmed() -> bool:
        assert one.phase is (Phase.UNCHANGED if empty else Phase.APPLIED)
        assert pending.exists(here) != empty
        return True

    assert not one.touched
    assert one.run(confirmed, WHY, 60) == ""
    assert one.phase is Phase.CONFIRMED
    assert on_disk(here) == {"switches.json"}
    assert document.load(here) == TEXT


@pytest.mark.parametrize("empty", [True, False])
def test_denied(empty: bool, here: Runtime) -> None:
    one = commit(here, empty=empty)
    assert one.run(lambda: False, WHY, 60) == f"{WHY}{BACK}"
    assert one.phase is Phase.ROLLED_BACK
    assert one.touched
    assert on_disk(here) == {"tried.json"}
    assert pending.tried(here) == (digest(TEXT), WHY)


@pytest.mark.parametrize("empty", [True, False])
def test_its_document_cannot_be_kept(empty: bool, here: Runtime) -> None:
    os.makedirs(document.document_path(here))
    one = commit(here, empty=empty)
    with pytest.raises(Error, match=r"switches\.json cannot be written") as caught:
        one.run(lambda: True, WHY, 60)
    assert str(caught.value).endswith(BACK) != empty
    assert one.phase is (Phase.DROPPED if empty else Phase.ROLLED_BACK)
    assert one.touched != empty
    assert on_disk(here) == {"switches.json", *([] if empty else ["tried.json"])}


def test_no_guard(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is done."""
    monkeypatch.setattr(os, "fork", no)
    one = commit(here)
    with pytest.raises(Error, match="no process can be started to guard the change: Resource"):
        one.run(lambda: True, WHY, 60)
    assert one.phase is Phase.DROPPED
    assert not one.touched
    assert on_disk(here) == set()


def test_no_checkpoint(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", no)
    one = commit(here)
    with pytest.raises(Error, match=r"pending\.json cannot be written"):
        one.run(lambda: True, WHY, 60)
    assert one.phase is Phase.IDLE
    assert not one.touched
    assert on_disk(here) == set()
