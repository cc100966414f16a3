"""Nodes' statuses as the master asks them: shell scripts stand in for ssh and nodes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from ganeti_ovs.master import status as module
from ganeti_ovs.master.ports import Ports, reconcile_ports
from ganeti_ovs.master.status import Asked, ask_statuses
from ganeti_ovs.model.status import Severity
from tests.unit.statuses import answer, error, node


def asked(script: str, document: str | None = None) -> Asked:
    return ask_statuses({"n1": document}, lambda _node, _command: ["sh", "-c", script])["n1"]


def says(line: str) -> str:
    return f"printf '%s\\n' {shlex.quote(line)}"


def test_each_gets_its_document(tmp_path: Path) -> None:
    seen: list[str] = []

    def reach(name: str, command: str) -> list[str]:
        seen.append(f"{name} {command}")
        return ["sh", "-c", f"cat >{tmp_path}/{name}; {says(answer(node(name)))}"]

    told: list[str] = []
    found = ask_statuses({"n2": "{}", "n1": None}, reach, lambda one: told.append(one.node))
    assert list(found) == ["n1", "n2"]
    assert found["n2"].status == node("n2")
    assert found["n2"].problems == ()
    assert sorted(seen) == ["n1 gnt-ovs node-status", "n2 gnt-ovs node-status --document"]
    assert sorted(told) == ["n1", "n2"]
    assert [(tmp_path / name).read_text() for name in ("n1", "n2")] == ["", "{}\n"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'ssh: connect to host n1: No route to host' >&2; exit 255",
         "ssh: connect to host n1: No route to host"),
        ("echo \"Error: No such command 'node-status'.\" >&2; exit 2",
         "an older ganeti-ovs, which does not say it; update it there"),
        ("echo 'bash: line 1: gnt-ovs: command not found' >&2; exit 127",
         "ganeti-ovs is not installed there"),
        ("exit 3", "no answer (exit code 3)"),
        ("echo Welcome", "what answers is not gnt-ovs: 'Welcome'"),
        (says('{"format": 2}'), "it speaks format 2 of another ganeti-ovs; update it there"),
        (says("{}"), "it speaks format None of another ganeti-ovs; update it there"),
        (says('{"format": 1, "error": "no\\nroot"}'), "no\\nroot"),
        (says('{"format": 1, "node": 5, "version": ""}'),
         "its answer is not understood (NodeStatus.node is no str); another ganeti-ovs?"),
        (says('{"format": 1'), "its answer is not whole; another ganeti-ovs?"),
        (says("[" * 100_000), "what answers is not gnt-ovs: "),
    ],
)  # fmt: skip
def test_what_is_no_status(script: str, why: str) -> None:
    (problem,) = asked(script).problems
    assert (problem.severity, problem.kind, problem.subject) == (Severity.ERROR, "no-status", "")
    assert problem.words.startswith(f"its status is unknown: {why}")
    assert "\n" not in problem.line


def test_a_node_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.3)
    scripts = {"n1": "sleep 60", "n2": says(answer(node("n2")))}
    found = ask_statuses(dict.fromkeys(scripts), lambda name, _command: ["sh", "-c", scripts[name]])
    assert found["n1"].unknown == "no answer within 0.3 s"
    assert found["n2"].status


def test_what_later_releases_add_is_passed_over() -> None:
    data = {**json.loads(answer(node("n1", error()))), "weather": "fine"}
    assert asked(says(json.dumps(data))).problems == (error(),)


@pytest.mark.parametrize("dead", [{"daemon": None}, {"daemon": {"alive": False}}])
def test_dead_is_never_right(dead: dict[str, object]) -> None:
    """Also if the node, of whatever version, says nothing more of it."""
    data = {**json.loads(answer(node("n1"))), **dead}
    (problem,) = asked(says(json.dumps(data))).problems
    assert (problem.severity, problem.kind) == (Severity.ERROR, "vswitchd-dead")


def test_nobody_is_asked() -> None:
    assert ask_statuses({}, lambda _node, _command: ["false"]) == {}
    assert reconcile_ports([], lambda _node, _command: ["false"]) == {}


LOST = "tap0: with its port went mirror span0"
DONE = {"done": ["attached tap0 (a.lab, NIC 0) to br0"], "left": [], "problems": ["tap1: no br1"],
        "warnings": [LOST], "dry_run": False}  # fmt: skip


def test_ports_are_reconciled() -> None:
    seen: list[str] = []

    def reach(name: str, command: str) -> list[str]:
        seen.append(f"{name} {command}")
        return ["sh", "-c", f"{says(json.dumps(DONE))}; exit 1"]

    told: list[str] = []
    found = reconcile_ports(["n2"], reach, dry_run=True, told=lambda one: told.append(one.node))
    assert found == {"n2": Ports("n2", (DONE["done"][0],), (), ("tap1: no br1",), (LOST,))}  # type: ignore[index]
    # The release before fills many lines.
    many = says(json.dumps(DONE, indent=2))
    assert reconcile_ports(["n2"], lambda _node, _command: ["sh", "-c", many]) == found
    reconcile_ports(["n2"], reach)
    assert seen == ["n2 gnt-ovs reconcile --json --dry-run", "n2 gnt-ovs reconcile --json"]
    assert told == ["n2"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'gnt-ovs: no database' >&2; exit 1", "gnt-ovs: no database"),
        (says(json.dumps(DONE)[:-3]), "its answer is not whole"),
        (says("{\n[]"), "its answer is not whole"),
        (says('{"done": [], "left": [5], "problems": []}'), "it does not say what is left"),
        (says('{"done": []}'), "it does not say what is left"),
    ],
)
def test_ports_of_which_nothing_is_known(script: str, why: str) -> None:
    found = reconcile_ports(["n1"], lambda _node, _command: ["sh", "-c", script])["n1"]
    assert (found.done, found.left) == ((), ())
    (problem,) = found.problems
    assert problem.startswith(f"whether its guests' ports are right is unknown: {why}")
