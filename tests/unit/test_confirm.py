"""remove-switch asks before, if somebody is there."""

from __future__ import annotations

import io
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


def ask(way: Way, stdin: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr("sys.stdin", stdin)
    return confirmed(cast(Rollout, way), PROPOSAL, "Remove br0?")


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
