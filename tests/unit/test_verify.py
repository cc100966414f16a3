"""What gnt-ovs verify says of statuses that are made up."""

from __future__ import annotations

import json
from dataclasses import replace

import click
import pytest

from ganeti_ovs.cli.verify import as_data, errors, show, unsaid_tags
from ganeti_ovs.cluster.inventory import Instance
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.hooks import verify as hook
from ganeti_ovs.master import wrong as module
from ganeti_ovs.master.status import Asked
from ganeti_ovs.master.survey import Survey
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.plain import from_plain
from ganeti_ovs.model.status import NicState, NodeStatus
from tests.unit.statuses import error, nic, node, switch, warning

SILENT = Asked("node9.lab", unknown="no answer within 30 s")
SURVEY = Survey(
    dict.fromkeys(("node10.lab", "node9.lab", "node8.lab", "node7.lab"), "rack1"),
    {
        "node10.lab": Asked("node10.lab", node("node10.lab")),
        "node9.lab": SILENT,
        "node7.lab": Asked("node7.lab", node("node7.lab", warning(), error())),
    },
    documents={},
    offline=("node8.lab",),
    between={"node group rack1": (warning("mtu", "MTUs differ"),), "cluster": ()},
)


def shown(survey: Survey, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show(survey, survey.problems)
    return click.unstyle(capsys.readouterr().out).splitlines()


def test_every_node_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """One that does not answer hides nothing of the others."""
    assert shown(SURVEY, capsys) == [
        "node7.lab: error: br0: it is not; gnt-ovs apply",
        "node7.lab: warning: br0: eth1 has no link",
        "node8.lab: offline, not asked",
        "node9.lab: error: its status is unknown: no answer within 30 s",
        "node10.lab: right (1 vSwitch, 1 guest's port)",
        "node group rack1: warning: br0: MTUs differ",
    ]
    assert errors(SURVEY.problems)


def one(status: NodeStatus) -> Survey:
    return Survey({status.node: "rack1"}, {status.node: Asked(status.node, status)}, {})


def test_how_much_was_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    stock = nic("old.lab", state=NicState.STOCK)
    nics = (*(nic(index=index) for index in range(7)), stock)
    full = node("n1", switches=(switch(), switch("br1")), nics=nics)
    assert shown(one(full), capsys) == [
        "n1: right (2 vSwitches, 7 guests' ports, 1 attached by Ganeti without us)"
    ]
    assert shown(one(node("n1", switches=(), nics=())), capsys) == [
        "n1: right (0 vSwitches, 0 guests' ports)"
    ]


def test_warnings_are_neither_right_nor_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    survey = one(node("n1", warning()))
    assert shown(survey, capsys) == ["n1: warning: br0: eth1 has no link"]
    assert not errors(survey.problems)


def test_dead_is_not_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert "right" not in "".join(shown(one(node("n1", daemon=None)), capsys))
    unneeded = node("n1", daemon=None, switches=(), nics=(), unread="no such file")
    assert shown(one(unneeded), capsys) == [
        "n1: right (no Open vSwitch, and nothing that needs it)"
    ]


def test_json() -> None:
    data = json.loads(json.dumps(as_data(SURVEY, SURVEY.problems)))
    assert (data["format"], data["right"]) == (1, False)
    assert [(one["node"], one["offline"]) for one in data["nodes"]] == [
        ("node7.lab", False), ("node8.lab", True), ("node9.lab", False), ("node10.lab", False),
    ]  # fmt: skip
    known = SURVEY.asked["node7.lab"].status
    assert from_plain(NodeStatus, data["nodes"][0]["status"]) == known
    assert data["nodes"][2]["status"] is None
    assert data["nodes"][2]["problems"][0]["kind"] == "no-status"
    assert data["problems"][0]["where"] == "node group rack1"


TYPO = "ovs:nic:0:vlna:.5"


def test_a_wrong_tag_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the node where its guest runs, if one says it."""
    instances = tuple(Instance(name, "n1", True, (TYPO,)) for name in ("a.lab", "b.lab"))
    monkeypatch.setattr(module, "read_networks", lambda _master: {})
    monkeypatch.setattr(module, "read_instances", lambda _master, _networks: instances)
    told = replace(error("nic-wrong"), subject="a.lab NIC 0 (tap0)")
    master = Master.__new__(Master)
    found = unsaid_tags(master, Cluster("lab", {}, {}), one(node("n1", told)))
    assert [one.subject for one in found] == ["instance b.lab"]

    def fails(_master: Master) -> None:
        raise Error("no master")

    monkeypatch.setattr(module, "read_networks", fails)
    (problem,) = unsaid_tags(master, Cluster("lab", {}, {}), one(node("n1")))
    assert problem.words == "whether instances' tags are right is unknown: no master"


def test_the_hook_on_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the wrong tags of what does not run; nodes say the others'."""
    instances = (
        Instance("up.lab", "n1", True, (TYPO,)),
        Instance("down.lab", "n1", False, (TYPO,)),
    )
    monkeypatch.setattr(module, "read_networks", lambda _master: {})
    monkeypatch.setattr(module, "read_instances", lambda _master, _networks: instances)
    monkeypatch.setattr(hook, "node_status", lambda *_here, **_patience: node("n1", warning()))
    monkeypatch.setattr(hook, "unsent", lambda _here: ["node n2 has nothing"])

    class Stub:
        def read(self) -> Cluster:
            return Cluster("lab", {}, {})

    monkeypatch.setattr(hook, "Master", Stub)
    monkeypatch.setattr(hook, "is_master", lambda _here: True)
    lines = ["warning: br0: eth1 has no link", "node n2 has nothing"]
    # There is no room for the repair behind "ganeti-ovs: ".
    tag = f"instance down.lab: tag {TYPO} is unknown (did you mean vlan?)"
    assert hook.verify({}) == [*lines, tag]
    monkeypatch.setattr(hook, "is_master", lambda _here: False)
    assert hook.verify({}) == lines
