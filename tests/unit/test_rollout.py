"""A change on its way to the nodes: asked, stored, carried, in this order, and who is told.

A stand-in is Ganeti, and shell scripts are the nodes; tests/cluster has the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs import __version__
from ganeti_ovs.cluster.master import Cluster, Group, Master, Node
from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.cluster.switchtags import REVISION, TagChange
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.master import rollout as module
from ganeti_ovs.master.desired import group_proposal, node_proposal, read_desired
from ganeti_ovs.master.distribute import Told
from ganeti_ovs.master.journal import Journal
from ganeti_ovs.master.rollout import Rollout
from ganeti_ovs.model.errors import Error

_ANSWER = json.dumps({"applied": True, "changes": ["br0: made"], "version": __version__})
FINE = f"read d; echo '{_ANSWER}'; read c;"
FINE += " echo '{\"confirmed\": true}'"
REFUSES = 'read d; echo \'{"applied": false, "error": "br0: eth0 carries an address"}\''


class Ganeti(Master):
    """One group, rack1, with nodes n1, n2 and n3, which is offline."""

    def __init__(self) -> None:
        self.groups = {"rack1": Group("rack1", frozenset())}
        self.nodes = {
            name: Node(name, "rack1", frozenset(), name == "n3", 22) for name in ("n1", "n2", "n3")
        }
        self.scripts = dict.fromkeys(self.nodes, FINE)
        self.done: list[str] = []
        """What has been done, in its order."""

    def read(self) -> Cluster:
        return Cluster("lab", dict(self.groups), dict(self.nodes))

    def settle(self) -> None:
        self.done.append("settled")

    def reach(self, cluster: Cluster, node: str, command: str) -> list[str]:
        assert node in cluster.nodes
        if command == "true":
            return ["true"]
        self.done.append(f"{'asked' if '--dry-run' in command else 'sent'} {node}")
        return ["sh", "-c", self.scripts[node]]

    def change_tags(
        self, owner: Group | Node, revisions: Sequence[str], tags: TagChange, what: str
    ) -> None:
        now = owner.tags - {*tags.remove, *(f"{REVISION}{old}" for old in revisions)}
        now |= {*tags.add, f"{REVISION}1"}
        if isinstance(owner, Node):
            self.nodes[owner.name] = replace(owner, tags=now)
        else:
            self.groups[owner.name] = replace(owner, tags=now)
        self.done.append(f"stored for {owner.name}: {what}")


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


def rollout(ganeti: Ganeti, here: Runtime) -> Rollout:
    cluster = ganeti.read()
    return Rollout(ganeti, cluster, read_desired(cluster, cluster.groups["rack1"]), here)


def add(way: Rollout, **more: Any) -> module.Result:
    return way.change(group_proposal(way.desired, {"br0": {}}, "add-switch br0"), **more)


def test_asked_stored_carried(here: Runtime) -> None:
    ganeti = Ganeti()
    seen: list[str] = []

    @contextmanager
    def watch(doing: str, nodes: int) -> Iterator[Told]:
        seen.append(f"{doing} {nodes}")
        yield lambda outcome: seen.append(f"ended {outcome.done}")
        seen.append("over")

    result = add(replace(rollout(ganeti, here), watch=watch))
    assert sorted(ganeti.done[:2]) == ["asked n1", "asked n2"]
    assert ganeti.done[2:4] == ["stored for rack1: add-switch br0", "settled"]
    assert sorted(ganeti.done[4:]) == ["sent n1", "sent n2"]
    assert (result.group, result.asked, result.failed) == ("rack1", False, [])
    assert (list(result.outcomes), result.offline) == (["n1", "n2"], ("n3",))
    one_way = ["ended True", "ended True", "over"]
    assert seen == ["asking 2", *one_way, "changing 2", *one_way]


def test_a_dry_run_asks_alone(here: Runtime) -> None:
    ganeti = Ganeti()
    result = add(rollout(ganeti, here), dry_run=True)
    assert result.asked
    assert not result.failed
    assert sorted(ganeti.done) == ["asked n1", "asked n2"]


def test_nothing_is_stored_if_one_refuses(here: Runtime) -> None:
    ganeti = Ganeti()
    ganeti.scripts["n2"] = REFUSES
    result = add(rollout(ganeti, here))
    assert result.asked
    assert result.failed == ["n2"]
    assert sorted(ganeti.done) == ["asked n1", "asked n2"]


def test_of_one_node(here: Runtime) -> None:
    ganeti = Ganeti()
    add(rollout(ganeti, here))
    ganeti.done.clear()
    way = rollout(ganeti, here)
    proposal = node_proposal(way.desired, ganeti.nodes["n2"], {"br0": {"mtu": "1400"}}, "modify")
    assert list(way.change(proposal).outcomes) == ["n2"]
    assert ganeti.done == ["asked n2", "stored for n2: modify", "settled", "sent n2"]
    assert "ovs:switch:br0:mtu:1400" in ganeti.nodes["n2"].tags


def test_what_is_carried_is_what_is_kept_by_then(here: Runtime) -> None:
    """Not what was read when the command began."""
    ganeti = Ganeti()
    way = rollout(ganeti, here)
    ganeti.nodes["n4"] = Node("n4", "rack1", frozenset(), False, 22)
    ganeti.scripts["n4"] = FINE
    assert list(way.carry().outcomes) == ["n1", "n2", "n4"]
    del ganeti.nodes["n4"]
    with pytest.raises(Error, match="node n4 has left node group rack1; try again"):
        way.carry("n4")
    ganeti.groups.clear()
    with pytest.raises(Error, match="there is no node group rack1"):
        way.carry()


def test_one_at_a_time(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has stored it and cannot carry it says what to do."""
    monkeypatch.setattr(module, "SEND_PATIENCE", 0)
    ganeti = Ganeti()
    with Journal(here):
        with pytest.raises(Busy):
            rollout(ganeti, here).carry()
        with pytest.raises(Error, match="is stored, but not carried to the nodes: gnt-ovs apply"):
            add(rollout(ganeti, here))
    assert ganeti.groups["rack1"].tags


def test_the_journal_knows_before_and_after(here: Runtime) -> None:
    ganeti = Ganeti()
    tried = {"applied": False, "tried": True, "error": "ovs-vswitchd refuses eth1"}
    file = Path(here.lib) / "ganeti-ovs/sent.json"
    ganeti.scripts["n1"] = f"read d; cp {file} {file}.before; echo '{json.dumps(tried)}'"
    ganeti.groups["rack1"] = Group("rack1", frozenset({"ovs:switch:br0", f"{REVISION}1"}))
    result = rollout(ganeti, here).carry()
    assert result.failed == ["n1"]
    assert result.outcomes["n1"].error == "ovs-vswitchd refuses eth1"
    before = json.loads(Path(f"{file}.before").read_text())
    assert {node: one["error"] for node, one in before.items()} == dict.fromkeys(
        ["n1", "n2"], "the master was ended before the node had answered"
    )
    assert Journal(here).error("n1") == "ovs-vswitchd refuses eth1"
    assert Journal(here).error("n2") == ""
