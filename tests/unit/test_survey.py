"""All nodes asked at once, each judged by what is kept for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti_ovs.cluster.master import Group, Node
from ganeti_ovs.cluster.switchtags import REVISION
from ganeti_ovs.master.survey import Survey, survey
from ganeti_ovs.model.status import Problem
from tests.unit.statuses import nic, node, switch, uplink
from tests.unit.test_changed import Lab

BR0 = frozenset({"ovs:switch:br0", f"{REVISION}1"})


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """rack1 with n1, n2 and n3 (offline), rack2 with n4."""
    found = Lab(tmp_path)
    found.groups |= {"rack1": Group("rack1", BR0), "rack2": Group("rack2", frozenset())}
    found.nodes["n4"] = Node("n4", "rack2", frozenset(), False, 22)
    found.before["n4"] = node("n4")
    for number, name in enumerate(found.before):
        found.before[name] = node(name, nics=(nic(f"web{number}.lab", mac=f"{number}"),))
    return found


def asked(lab: Lab, *groups: str, **more: str) -> Survey:
    return survey(lab, lab.read(), groups, **more)  # type: ignore[arg-type]


def wrong(seen: Survey) -> dict[str, list[str]]:
    return {where: [one.line for one in some] for where, some in seen.problems.items() if some}


def test_each_by_its_own(lab: Lab) -> None:
    seen = asked(lab, "rack1", "rack2")
    assert seen.groups == {"n1": "rack1", "n2": "rack1", "n3": "rack1", "n4": "rack2"}
    assert (sorted(seen.asked), seen.offline) == (["n1", "n2", "n4"], ("n3",))
    assert [lab.documents(name) for name in ("n1", "n4")] == [[True], [False]]
    assert wrong(seen) == {}


def test_one_node(lab: Lab) -> None:
    seen = asked(lab, "rack1", node="n2")
    assert (list(seen.groups), list(seen.asked)) == (["n2"], ["n2"])


def test_wrong_tags_of_a_group_hide_nothing_of_its_nodes(lab: Lab) -> None:
    """They are judged by what they keep, and the other groups' by what is wanted."""
    lab.groups["rack1"] = Group("rack1", frozenset({"ovs:switch:br0:mtu:5"}))
    seen = asked(lab, "rack1", "rack2")
    assert sorted(seen.asked) == ["n1", "n2", "n4"]
    assert seen.documents["n1"] is None
    assert lab.documents("n1") == []
    ((where, (line,)),) = wrong(seen).items()
    assert where == "node group rack1"
    assert line.startswith("tag 'ovs:switch:br0:mtu:5' of node group rack1: ")


def test_settings_of_a_node_that_nobody_asked_for(lab: Lab) -> None:
    tags = frozenset({"ovs:switch:br7:mtu:1400", f"{REVISION}1"})
    lab.nodes["n1"] = Node("n1", "rack1", tags, False, 22)
    assert wrong(asked(lab, "rack1")) == {
        "node group rack1": [
            "br7: node n1 has settings of its own for it, its node group does not have it;"
            " gnt-ovs modify-switch -n n1 br7 --reset mtu"
        ]
    }
    assert wrong(asked(lab, "rack1", node="n2")) == {}


def test_a_guest_that_was_left_behind_in_another_group(lab: Lab) -> None:
    lab.before["n4"] = node("n4", nics=lab.before["n1"].nics)
    assert wrong(asked(lab, "rack1", "rack2")) == {
        "cluster": [
            "web0.lab NIC 0: runs on n1, n4: it is being moved, or one guest was left behind"
        ]
    }


def test_what_is_between_nodes_of_one_group(lab: Lab) -> None:
    def with_mtu(mtu: int, version: str = "0.1.0") -> None:
        name = f"n{len(lab.done) + 1}"
        lab.before[name] = node(
            name, switches=(switch(uplinks=(uplink(mtu=mtu),)),), nics=(), version=version
        )
        lab.done.append(name)

    with_mtu(1500)
    with_mtu(9000)
    lab.before["n4"] = node("n4", version="0.2.0", nics=())
    found: dict[str, list[Problem]] = {
        where: [*some] for where, some in asked(lab, "rack1", "rack2").problems.items() if some
    }
    assert {where: [one.kind for one in some] for where, some in found.items()} == {
        "node group rack1": ["mtu-between-nodes"],
        "cluster": ["versions"],
    }
