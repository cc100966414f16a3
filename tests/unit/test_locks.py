"""The lock of a node's changes: who waits for it in vain is told the truth about who has it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest

from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.reported import Asked
from ganeti_ovs.model.rows import KINDS, Root, Tables, Uuid
from ganeti_ovs.node import pending, settle, status, switches
from ganeti_ovs.node.document import change_lock
from ganeti_ovs.plan.found import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANGED = "another change of this node's vSwitches is under way or waits to be confirmed"
LOOKED = "this node's vSwitches are being looked at by another command"


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


@pytest.mark.parametrize(("shared", "words"), [(True, LOOKED), (False, CHANGED)])
def test_who_has_it(here: Runtime, shared: bool, words: str) -> None:
    with (
        change_lock(here, 0, shared=shared),
        pytest.raises(Busy) as caught,
        change_lock(here, 0),
    ):
        pass
    assert str(caught.value) == f"{words}, for more than 0 s"
    with change_lock(here, 0):
        pass


@pytest.mark.parametrize("shared", [True, False])
def test_what_is_pending_is_not_passed_over_silently(
    here: Runtime, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who changes vSwitches knows what becomes of a change."""
    monkeypatch.setattr(pending, "exists", lambda _here: True)
    monkeypatch.setattr(settle, "_GLANCE", 0)
    with change_lock(here, 0, shared=shared):
        said = settle.settle_alone(here)
    assert said == (
        [
            "whether a change of the vSwitches that was never confirmed is pending is not known:"
            f" {LOOKED}, for more than 0 s; gnt-ovs reconcile tries again"
        ]
        if shared
        else []
    )


@pytest.mark.parametrize(("shared", "said"), [(True, [LOOKED]), (False, [])])
def test_what_is_pending_is_restored_or_said(
    here: Runtime, shared: bool, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a node that keeps no document; who changes its vSwitches says himself what becomes."""
    monkeypatch.setattr(pending, "exists", lambda _here: True)
    monkeypatch.setattr(switches, "_PATIENCE", 0)
    with change_lock(here, 0, shared=shared):
        done, problems = switches.restore(here, "")
    assert (done, [one.partition(", for more")[0] for one in problems]) == ([], said)


class Waiting:
    """What a status asks of others, each time without the lock."""

    def __init__(self, here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.asked = here, [""]
        row = Root({"_uuid": Uuid("r"), "next_cfg": 1, "cur_cfg": 1})
        self.tables = Tables({table: {} for table in KINDS})
        self.tables[Root.table] = {row.uuid: row}
        monkeypatch.setattr(status, "Session", self.session)
        for name, answer in (
            ("pulse", ""),
            ("ask_all", None),
            ("read_columns", {}),
            ("read_all", self.tables),
            ("devices", {}),
            ("limits", {}),
            ("next_cfg", 1),
        ):
            monkeypatch.setattr(status, name, self.question(name, answer))
        monkeypatch.setattr(status, "look", self.question("look", None))

    @contextmanager
    def session(self, *_arguments: object) -> Iterator[None]:
        yield

    def question(self, name: str, answer: object) -> object:
        def ask(*_arguments: object, **_named: object) -> object:
            with change_lock(self.here, 0):
                self.asked.append(name)
            return answer

        return ask


def test_a_status_has_it_only_to_compare(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """ovs-vswitchd that is slow, or a guest, keeps nobody from restoring vSwitches."""
    waiting = Waiting(here, monkeypatch)
    found: list[Found] = []
    monkeypatch.setattr(status, "judge", lambda one, *_more: found.append(one))
    monkeypatch.setattr(status, "constant", lambda _looks: cast(object, None))
    monkeypatch.setattr(status, "ask_all", waiting.question("ask_all", Asked()))
    monkeypatch.setattr(status._Status, "_ports", lambda *_me: (None, None, waiting.tables))
    monkeypatch.setattr(status, "snapshot", lambda _tables: None)
    status.node_status(here, "", patience=0)
    assert {"pulse", "ask_all", "devices", "next_cfg"} <= {*waiting.asked}
    assert [one.problems for one in found] == [()]
