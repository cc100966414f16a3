"""remove-switch asks before, if somebody is there."""

from __future__ import annotations

import io
import json
from typing import Any, cast

import pytest

from ganeti_ovs.cli.confirm import confirmed
from ganeti_ovs.master.desired import Proposal
from ganeti_ovs.master.rollout import Result, Rollout
from tests.unit.test_results import result

PROPOSAL = cast(Proposal, object())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Way:
    """A rollout that has only been asked."""

    def __init__(self, *nodes: str) -> None:
        self.nodes, self.asked = nodes, 0

    def change(self, _proposal: Proposal, *, dry_run: bool) -> Result:
        assert dry_run
        self.asked += 1
        return result(*self.nodes, asked=True)


def ask(way: Way, stdin: Any, monkeypatch: pytest.MonkeyPatch, *, as_json: bool = False) -> bool:
    monkeypatch.setattr("sys.stdin", stdin)
    return confirmed(cast(Rollout, way), PROPOSAL, "Remove br0?", as_json=as_json)


@pytest.mark.parametrize(("typed", "done"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal(
    typed: str, done: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What every node would do is shown before; no is the default."""
    assert ask(Way("n1", "n2"), Terminal(typed), monkeypatch) is done
    out, err = capsys.readouterr()
    assert "n1: would be changed\n  + br0: made" in out
    assert "Remove br0? [y/N]:" in out + err
    assert ("nothing was changed" in err) is not done


def test_standard_output_is_json_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(Way("n1"), Terminal("y\n"), monkeypatch, as_json=True)
    out, err = capsys.readouterr()
    assert "n1: would be changed\n  + br0: made" in err
    # Where typed words come from the terminal itself, the prompt's line is not ended by us.
    assert not out.replace("Remove br0? [y/N]:", "").strip()
    assert not ask(Way("n1", "n3"), Terminal(""), monkeypatch, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["nodes"]


def test_scripts_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way("n1")
    for stdin in (io.StringIO("n\n"), None):
        assert ask(way, stdin, monkeypatch)
    assert way.asked == 0


def test_a_node_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not ask(Way("n1", "n3"), Terminal(""), monkeypatch)
    assert capsys.readouterr().err == "nothing was changed, because of n3\n"
