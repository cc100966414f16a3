"""What follows a change: guests' ports, and a second look at the nodes.

A stand-in is Ganeti, and shell scripts are the nodes; tests/cluster has the real ones.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click
import pytest

from ganeti_ovs.cli import changed as module
from ganeti_ovs.cli.changed import apply, change
from ganeti_ovs.cluster.master import Cluster
from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.master.desired import group_proposal, read_desired
from ganeti_ovs.master.rollout import Rollout
from ganeti_ovs.master.survey import survey
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.status import NodeStatus
from tests.unit.statuses import answer, error, node, warning
from tests.unit.test_rollout import REFUSES, Ganeti

QUIET: dict[str, list[str]] = {"done": [], "left": [], "problems": []}
LINK = warning("link-down", "eth1 has no link")


class Lab(Ganeti):
    """Its nodes say how they are, before and after documents have come to them."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.before = {name: node(name) for name in ("n1", "n2")}
        self.after: dict[str, NodeStatus] = dict(self.before)
        self.ports = dict.fromkeys(("n1", "n2"), QUIET)

    def reach(self, cluster: Cluster, node: str, command: str) -> list[str]:
        says = "printf '%s\\n' "
        if "node-status" in command:
            sent = any(one.startswith("sent") for one in self.done)
            status = (self.after if sent else self.before)[node]
            self.done.append(f"looked at {node}")
            return [
                "sh",
                "-c",
                f"cat >>{self.directory}/{node}; {says}{shlex.quote(answer(status))}",
            ]
        if "reconcile" in command:
            self.done.append(f"reconciled {node}{' dry' * ('--dry-run' in command)}")
            return ["sh", "-c", says + shlex.quote(json.dumps(self.ports[node]))]
        return super().reach(cluster, node, command)

    def documents(self, node: str) -> list[bool]:
        """Whether br0 was in the documents by which it was judged, in their order."""
        return ["br0" in line for line in (self.directory / node).read_text().splitlines()]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


def way(lab: Lab, here: Runtime) -> Rollout:
    cluster = lab.read()
    return Rollout(lab, cluster, read_desired(cluster, cluster.groups["rack1"]), here)


def add(lab: Lab, here: Runtime, *, dry_run: bool = False, as_json: bool = False) -> int:
    rollout = way(lab, here)
    proposal = group_proposal(rollout.desired, {"br0": {}}, "add-switch br0")
    return change(rollout, proposal, dry_run=dry_run, as_json=as_json)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return click.unstyle(capsys.readouterr().out).splitlines()


def test_nothing_got_worse(lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    lab.before["n1"] = lab.after["n1"] = node("n1", LINK)
    assert add(lab, here) == 0
    assert printed(capsys) == [
        "n1: changed",
        "  ~ br0: made",
        "n2: changed",
        "  ~ br0: made",
        "n3: offline, skipped; it gets it when it is back",
    ]
    looks = [number for number, one in enumerate(lab.done) if one.startswith("looked")]
    sent = [number for number, one in enumerate(lab.done) if one.startswith(("stored", "sent"))]
    assert max(looks[:2]) < min(sent) <= max(sent) < min(looks[2:])
    assert len(looks) == 4
    # Each look is by what is kept then.
    assert lab.documents("n1") == [False, True]


def test_what_got_worse(lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    lab.after["n2"] = node("n2", error("secure", "all guests are cut off"), LINK)
    assert add(lab, here) == 1
    assert printed(capsys)[-3:] == [
        "worse than before:",
        "  n2: error: br0: all guests are cut off; gnt-ovs apply",
        "  n2: warning: br0: eth1 has no link",
    ]


def test_worse_as_json(lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    lab.after["n2"] = node("n2", LINK)
    assert add(lab, here, as_json=True) == 1
    (line,) = printed(capsys)
    data = json.loads(line)
    assert [(one["node"], one["done"]) for one in data["nodes"]] == [
        ("n1", True), ("n2", True), ("n3", False),
    ]  # fmt: skip
    assert data["worse"] == [
        {"where": "n2", "severity": "warning", "kind": "link-down", "subject": "br0",
         "words": "eth1 has no link"},
    ]  # fmt: skip


def test_a_dry_run_looks_at_nothing(lab: Lab, here: Runtime) -> None:
    assert add(lab, here, dry_run=True) == 0
    assert sorted(lab.done) == ["asked n1", "asked n2"]


def test_nothing_was_changed(lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    lab.scripts["n2"] = REFUSES
    assert add(lab, here) == 1
    assert "n2: failed: br0: eth0 carries an address" in printed(capsys)
    assert not any(one.startswith("looked") for one in lab.done)


def test_where_it_failed_all_must_be_as_it_was(
    lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that node is judged by its old document, and its silence is not said twice."""
    lab.scripts["n2"] = (
        'read d; echo \'{"applied": true, "changes": []}\'; read c;'
        ' echo \'{"confirmed": false, "error": "a full disk"}\''
    )
    assert add(lab, here) == 1
    out = printed(capsys)
    assert "n2: failed: did not keep the change: a full disk" in out
    assert "worse than before:" not in out
    assert lab.documents("n1") == [False, True]
    assert lab.documents("n2") == [False, False]


def test_ports(lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    lab.ports["n1"] = {"done": ["attached tap0"], "left": ["tap9"], "problems": []}
    assert apply(way(lab, here), None, dry_run=False, as_json=False) == 0
    out = printed(capsys)
    assert out[-3:] == ["n1: guests' ports", "  attached tap0", "  left alone: tap9"]
    lab.ports["n2"] = {"done": [], "left": [], "problems": ["tap1: no br1"]}
    assert apply(way(lab, here), "n2", dry_run=True, as_json=False) == 1
    assert printed(capsys)[-2:] == ["n2: guests' ports", "  error: tap1: no br1"]
    assert lab.done[-1] == "reconciled n2 dry"
    assert apply(way(lab, here), None, dry_run=False, as_json=True) == 1
    (line,) = printed(capsys)
    data = json.loads(line)
    assert data["worse"] == []
    assert [one["node"] for one in data["ports"]] == ["n1", "n2"]
    assert data["ports"][1]["problems"] == ["tap1: no br1"]


def test_a_silent_node_is_not_asked_for_its_ports(lab: Lab, here: Runtime) -> None:
    lab.scripts["n2"] = "exit 1"
    assert apply(way(lab, here), None, dry_run=False, as_json=False) == 1
    assert "reconciled n1" in lab.done
    assert "reconciled n2" not in lab.done


def test_the_master_goes_meanwhile(
    lab: Lab, here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then what is done is said."""

    def once(*args: object, **options: object) -> object:
        if any(one.startswith("sent") for one in lab.done):
            raise Error("no master")
        return survey(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "survey", once)
    with pytest.raises(Error, match="no master; the change is made, how the nodes are now: "):
        add(lab, here)


def test_apply_that_makes_it_worse(
    lab: Lab, here: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.after["n1"] = node("n1", LINK)
    assert apply(way(lab, here), None, dry_run=False, as_json=False) == 1
    assert printed(capsys)[-2:] == [
        "worse than before:",
        "  n1: warning: br0: eth1 has no link",
    ]
