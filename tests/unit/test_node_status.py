"""How a node's status asks: in which order, and what it says where an answer does not come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux import devices as kernel
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.reported import Asked, Device, Limits
from ganeti_ovs.model.status import NodeStatus, Severity
from ganeti_ovs.node import status as asking
from ganeti_ovs.node.running import Running
from ganeti_ovs.node.seen import Seen
from ganeti_ovs.ovsdb.client import DatabaseUnavailable
from ganeti_ovs.plan.current import Host
from ganeti_ovs.plan.found import Found, Wanted
from tests.unit.test_judge import NIC, UP, UPLINKS, World


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return Runtime(f"{tmp_path}/run", f"{tmp_path}/lib", f"{tmp_path}/db.sock", 1)


class Node:
    """One whose answers are those of a World; `calls` are the questions, in their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, here: Runtime) -> None:
        self.world, self.here = World(), here
        self.calls: list[str] = []
        self.there = dict.fromkeys(("tap0", *UPLINKS), 1)
        self.guests = True
        answers: dict[str, Any] = {
            "pulse": lambda _session: self.world.dead,
            "devices": lambda: dict.fromkeys(self.there, UP),
            "limits": self.limits,
            "read_columns": lambda _session, _tables: self.world.columns,
            "host": lambda *_of: Host(frozenset(UPLINKS)),
            "ask_all": lambda *_questions: self.world.asked,
            "read_all": lambda _session: self.world.found().tables,
        }
        for name, answer in answers.items():
            monkeypatch.setattr(asking, name, self._noted(name, answer))
        monkeypatch.setattr(kernel, "interfaces", lambda: self.there)
        monkeypatch.setattr(asking._Status, "_ports", self.ports)
        monkeypatch.setattr(asking._Status, "_wanted", lambda _status: self.wanted())

    def _noted(self, name: str, answer: Any) -> Any:
        def ask(*questions: Any) -> Any:
            self.calls.append(name)
            return answer(*questions)

        return ask

    def limits(self, taps: Mapping[str, int]) -> dict[str, Limits]:
        return {tap: Limits(receives=10_000_000) for tap in taps if tap in self.there}

    def ports(self, *_status: Any) -> Any:
        found = self.world.found()
        nic = NicSettings().but(uuid=NIC.uuid, mode="openvswitch", instance=NIC.instance)
        running = {"tap0": Running(NIC.instance, "tap0", nic)} if self.guests else {}
        assert found.desired
        return Seen(found.snapshot, found.desired, {}, (), running), found.ports, found.tables

    def wanted(self) -> Wanted:
        return Wanted((self.world.wanted,) if self.guests else None, None)

    def found(self) -> Found:
        return asking._Status(self.here, "", None, 0)._asked(None)  # type: ignore[arg-type]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, here: Runtime) -> Node:
    return Node(monkeypatch, here)


def test_limits_are_asked_for_right_after_devices(node: Node) -> None:
    """A guest that ends between the two would have none."""
    node.found()
    assert node.calls == [
        "pulse",
        "devices",
        "limits",
        "read_columns",
        "ask_all",
        "read_all",
        "host",
    ]


def test_a_guest_that_ends_while_questions_are_asked(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_all(*_questions: object) -> Asked:
        del node.there["tap0"]
        return node.world.asked

    monkeypatch.setattr(asking, "ask_all", ask_all)
    assert set(node.found().devices or ()) == {*UPLINKS}


def test_a_device_that_is_made_anew_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "interfaces", lambda: {"tap0": 8, "tap1": 9})
    seen = {name: Device(number, True, True, 1500) for name, number in (("tap0", 7), ("tap1", 9))}
    assert [*kernel.still_there(seen)] == ["tap1"]


def test_what_cannot_be_asked_is_an_error_where_it_matters(node: Node) -> None:
    node.world.asked = Asked(problem="python3-openvswitch is not installed")
    (problem,) = node.found().problems
    assert (problem.severity, problem.kind) == (Severity.ERROR, "not-asked")
    node.guests = False
    for row in node.world.database.tables["Bridge"].values():
        row["external_ids"] = ["map", []]
    (problem,) = node.found().problems
    assert (problem.severity, problem.kind) == (Severity.WARNING, "not-asked")


def _of(
    here: Runtime, monkeypatch: pytest.MonkeyPatch, error: Error, sent: str | None = "[]"
) -> NodeStatus:
    """Where the database is asked in vain, on a node with a guest."""

    def session(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(asking, "Session", session)
    guest = World().guest
    monkeypatch.setattr(asking, "unseen_guests", lambda _here: {"tap0": guest})
    return asking.node_status(here, "", sent)


def test_a_database_that_refuses_a_request_is_not_dead(
    here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = "Open vSwitch's database refused a request: unknown database"
    (problem,) = _of(here, monkeypatch, Error(refused), None).problems
    assert (problem.kind, problem.line) == ("database-odd", refused)
    dead = DatabaseUnavailable("Open vSwitch's database does not answer; is ovsdb-server running?")
    (problem,) = _of(here, monkeypatch, dead, None).problems
    assert problem.kind == "database-dead"
    assert problem.line.startswith("Open vSwitch's database does not answer; systemctl restart")


def test_what_is_kept_while_a_change_is_under_way(
    here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is not judged: the node keeps the other description as soon as it is confirmed."""
    sent = '{"format": 1, "revision": "r", "switches": {"br0": {}}}'
    dead = DatabaseUnavailable("dead")
    kinds = [one.kind for one in _of(here, monkeypatch, dead, sent).problems]
    assert kinds == ["database-dead", "document-missing"]

    def busy(*_arguments: object, **_more: object) -> None:
        raise Busy("a change is under way")

    monkeypatch.setattr(asking, "change_lock", busy)
    kinds = [one.kind for one in _of(here, monkeypatch, dead, sent).problems]
    assert kinds == ["database-dead", "under-way"]
