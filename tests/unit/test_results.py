"""What came of a rollout, as people and programs read it."""

from __future__ import annotations

import json

import pytest

from ganeti_ovs.cli.results import said, said_of_change
from ganeti_ovs.master.answers import Answer
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.rollout import Result
from ganeti_ovs.plan.changes import Change, Kind

OUTCOMES = {
    "n1": Outcome("n1", True, answer=Answer((Change(Kind.MADE, "br0"),), ("slow",))),
    "n2": Outcome("n2", True),
    "n3": Outcome("n3", False, error="no answer within 60 s"),
}


def result(*nodes: str, asked: bool = False) -> Result:
    return Result("rack1", asked, {node: OUTCOMES[node] for node in nodes}, ("n4",))


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(result("n1", "n2"), as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "n1: changed",
        "  + br0: made",
        "  warning: slow",
        "n2: nothing to do",
        "n4: offline, skipped; it gets it when it is back",
    ]
    assert said(result("n3"), as_json=False) == 1
    assert capsys.readouterr().out.startswith("n3: failed: no answer within 60 s\n")


def test_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert said_of_change(result("n1", asked=True), as_json=False) == 0
    out, err = capsys.readouterr()
    assert (out.splitlines()[0], err) == ("n1: would be changed", "")
    assert said_of_change(result("n1", "n3", asked=True), as_json=False) == 1
    assert capsys.readouterr().err == "nothing was changed, because of n3\n"


def test_carried_and_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Something was changed then."""
    assert said_of_change(result("n1", "n3"), as_json=True) == 1
    out, err = capsys.readouterr()
    assert err == ""
    data = json.loads(out)
    assert (data["group"], data["dry_run"]) == ("rack1", False)
    assert data["nodes"][0] == {
        "node": "n1", "offline": False, "done": True, "changes": ["br0: made"],
        "differences": [{"kind": "made", "switch": "br0"}],
        "warnings": ["slow"], "error": "", "version": None,
    }  # fmt: skip
    assert [(one["node"], one["offline"], one["error"]) for one in data["nodes"][1:]] == [
        ("n3", False, "no answer within 60 s"),
        ("n4", True, ""),
    ]
