"""Nodes of other versions are named, in one line."""

from __future__ import annotations

import json

import pytest

from ganeti_ovs import __version__
from ganeti_ovs.cli.nodeapply import carry_out
from ganeti_ovs.cli.results import said
from ganeti_ovs.master.answers import Answer, read_answer
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.rollout import Result
from ganeti_ovs.master.versions import other_versions


def test_line() -> None:
    assert other_versions({"n1": __version__, "n2": None}) == []
    assert other_versions({"n2": "0.3", "n1": "", "n3": "0.1"}, "0.2") == [
        "other versions of ganeti-ovs than 0.2 of the master: n1 (an older one), n2 0.3, n3 0.1;"
        " install one on all"
    ]
    many = {f"n{number}": "0.3" for number in range(1, 9)}
    assert ": n1 0.3, n2 0.3, n3 0.3 and 5 more;" in other_versions(many)[0]


def test_what_is_answered() -> None:
    assert Answer().version is None
    assert read_answer({}).version == ""
    assert read_answer({"version": "1\n2" + 99 * "x"}).version == "1\\n2" + 36 * "x"


def test_every_answer_says_it(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALSTATEDIR", str(tmp_path))
    assert carry_out(have=True)
    assert json.loads(capfd.readouterr().out)["version"] == __version__


def test_said_with_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = {
        name: Outcome(name, True, answer=Answer(version=version))
        for name, version in (("n1", __version__), ("n2", "9"))
    }
    assert said(Result("rack1", False, outcomes, ()), as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "n1: nothing to do",
        "n2: nothing to do",
        f"warning: other versions of ganeti-ovs than {__version__} of the master: n2 9; install"
        " one on all",
    ]
