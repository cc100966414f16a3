"""What gnt-ovs verify says of statuses that are made up."""

from __future__ import annotations

import json
from dataclasses import replace

import click
import pytest

from ganeti_ovs.cli.verify import as_data, errors, show
from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.inventory import Instance, Inventory
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.hooks import verify as hook
from ganeti_ovs.master import beside as beside_module
from ganeti_ovs.master.beside import beside
from ganeti_ovs.master.status import Asked
from ganeti_ovs.master.survey import Survey
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.plain import from_plain
from ganeti_ovs.model.status import Daemon, NicState, NodeStatus, PortSettings
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
    stopped = node("n1", daemon=Daemon(alive=False), switches=(), nics=())
    assert shown(one(stopped), capsys) == [
        "n1: right (Open vSwitch does not run, and nothing needs it)"
    ]
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


UNKNOWN = f"instance tag '{TYPO}' is unknown"


def with_tags(name: str, *tags: str, up: bool = True, node: str = "n1") -> Instance:
    return Instance(name, node, up, tags)


def ganeti_has(monkeypatch: pytest.MonkeyPatch, *instances: Instance) -> None:
    for module in (beside_module, hook):
        monkeypatch.setattr(module, "read_inventory", lambda _master: Inventory({}, instances))


def found_beside(survey: Survey, *, whole: bool = True) -> dict[str, list[str]]:
    found = beside(Master.__new__(Master), Cluster("lab", {}, {}), survey, whole=whole)
    return {where: [one.line for one in some] for where, some in found.items()}


def test_a_wrong_tag_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the node where its guest runs, if one says it; the instance's others all the same."""
    other = "ovs:nic:1:port_type:acess"
    ganeti_has(monkeypatch, with_tags("a.lab", TYPO, other), with_tags("b.lab", TYPO))
    told = replace(error("nic-wrong"), subject="a.lab NIC 0 (tap0)", words=UNKNOWN)
    found = found_beside(one(node("n1", told)))
    assert [line.partition(" (")[0].partition("; ")[0] for line in found["cluster"]] == [
        f"instance a.lab: tag {other}: port_type 'acess' is none of access, trunk, hybrid",
        f"instance b.lab: tag {TYPO} is unknown",
    ]

    def fails(_master: Master) -> None:
        raise Error("no master")

    monkeypatch.setattr(beside_module, "read_inventory", fails)
    assert found_beside(one(node("n1"))) == {
        "cluster": ["whether instances' tags are right is unknown: no master"]
    }


def test_of_some_nodes_their_instances_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the others', and of groups and networks, nobody has asked."""
    ganeti_has(monkeypatch, with_tags("a.lab", TYPO), with_tags("b.lab", TYPO, node="n2"))
    assert len(found_beside(one(node("n1")))["cluster"]) == 2
    (line,) = found_beside(one(node("n1")), whole=False)["cluster"]
    assert line.startswith("instance a.lab: ")


def test_the_hook_on_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names wrong tags of all instances: one that is to run may not, and hooks of nodes without
    Ganeti's configuration know nothing of them.
    """
    instances = with_tags("up.lab", TYPO), with_tags("down.lab", TYPO, up=False)
    ganeti_has(monkeypatch, *instances, with_tags("here.lab", TYPO))
    told = replace(
        error("nic-wrong"),
        subject="here.lab NIC 0 (tap0)",
        words=UNKNOWN,
        repair="gnt-ovs reconcile",
    )
    monkeypatch.setattr(hook, "node_status", lambda *_here, **_patience: node("n1", told))
    monkeypatch.setattr(hook, "unsent", lambda _here: ["node n2 has nothing"])

    class Stub:
        def read(self) -> Cluster:
            return Cluster("lab", {}, {})

    monkeypatch.setattr(hook, "Master", Stub)
    monkeypatch.setattr(hook, "is_master", lambda _here: True)
    # Who reads it is on the master.
    lines = [f"here.lab NIC 0 (tap0): {UNKNOWN}; gnt-ovs apply -n n1", "node n2 has nothing"]
    tags = [f"instance {name}.lab: tag {TYPO}" for name in ("up", "down")]
    found = hook.verify({})
    assert found[:2] == lines
    assert [line.partition(" is unknown")[0] for line in found[2:]] == tags
    monkeypatch.setattr(hook, "is_master", lambda _here: False)
    assert hook.verify({}) == lines


def test_what_is_odd_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node hears of a change when the job is done, and a guest that starts has its NICs soon."""
    monkeypatch.setattr(beside_module, "AGAIN", 0)
    said = NicSettings(instance="web1.lab", mode="openvswitch", uuid=nic().uuid, index="0",
                       link="br0", vlan=".200", mac=nic().mac)  # fmt: skip
    ganeti_has(monkeypatch, Instance("web1.lab", "n1", True, (), (said,)))
    asked: list[dict[str, None]] = []
    answers = [node("n1"), node("n1", nics=(nic(wanted=PortSettings("br0", "access", ".200")),))]

    def again(texts: dict[str, None], _reach: object) -> dict[str, Asked]:
        asked.append(texts)
        return {"n1": Asked("n1", answers[0])}

    monkeypatch.setattr(beside_module, "ask_statuses", again)
    (line,) = found_beside(one(node("n1")))["n1"]
    assert line.startswith("web1.lab NIC 0 (tap0): its port is access .100, not access .200, ")
    assert asked == [{"n1": None}]
    answers.pop(0)
    assert found_beside(one(node("n1"))) == {"n1": [], "cluster": []}
