"""What Ganeti has of NICs, beside what nodes say of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ganeti_ovs.cli.problems import problem_line
from ganeti_ovs.cluster.inventory import Instance
from ganeti_ovs.master.wishes import NO_GUEST, NOT_HEARD, odd_nics
from ganeti_ovs.model.status import NicState, NodeStatus, PortSettings
from tests.unit.statuses import PORT, error, nic, node, warning
from tests.unit.test_niclist import instance

TELL = "gnt-ovs modify-nic web1.lab 0 --tell"
LATER = PortSettings("br0", "access", ".200")


def lines(ganeti: Instance, status: NodeStatus) -> dict[str, list[str]]:
    found = odd_nics([ganeti], {status.node: status})
    return {node: [one.line for one in some] for node, some in found.items()}


def with_vlan(vlan: str = ".200", **changes: Any) -> Instance:
    one = instance(**changes)
    return replace(one, nics=(one.nics[0].but(vlan=vlan),))


def test_all_well() -> None:
    assert lines(instance(), node()) == {}
    assert lines(instance(), node(nics=())) == {}


def test_a_node_that_has_not_heard() -> None:
    (problem,) = odd_nics([with_vlan()], {"node1.lab": node()})["node1.lab"]
    wrong = "its port is access .100, not access .200"
    assert problem.line == f"web1.lab NIC 0 (tap0): {wrong}, {NOT_HEARD}; {TELL}"
    assert wrong[:35] in problem_line("node1.lab", problem)
    assert problem_line("node1.lab", problem).endswith(TELL)
    # By hand it is right already; the node would take it back.
    healed = nic(actual=LATER)
    assert lines(with_vlan(), node(nics=(healed,))) == {
        "node1.lab": [f"web1.lab NIC 0 (tap0): {NOT_HEARD}; {TELL}"]
    }


def test_tags_count_as_parameters_do() -> None:
    one = instance()
    limited = replace(one, nics=(one.nics[0].but(tags="ovs:nic:0:max_bandwidth:100M"),))
    ((line,),) = lines(limited, node()).values()
    assert "it may send without limit, not 100Mbit/s" in line


def test_who_is_told_is_the_primary_node() -> None:
    """What is left elsewhere is not put right by that."""
    ((line,),) = lines(with_vlan(node="node2.lab"), node()).values()
    assert "--tell" not in line


@pytest.mark.parametrize(
    "status",
    [
        # It keeps what tags by its former index say, and says so.
        node("node1.lab", warning("index-moved", "moved", "web1.lab NIC 0 (tap0)")),
        # It says why it does not know, or has nothing of it.
        node(nics=(nic(wanted=None, actual=None, state=NicState.NO_PORT),)),
        # Ganeti has taken it down.
        node(nics=(nic(wanted=None, state=NicState.DOWN),)),
        # The node's own record is missing, and the port is right.
        node(nics=(nic(wanted=None, actual=LATER),)),
        node(nics=(nic(wanted=LATER, actual=PORT),)),
    ],
)
def test_of_what_nothing_is_said(status: NodeStatus) -> None:
    assert lines(with_vlan(), status) == {}


def test_wrong_tags_are_said_elsewhere() -> None:
    assert lines(with_vlan("x"), node()) == {}


def test_a_port_whose_tap_somebody_else_holds() -> None:
    """Ganeti knows of no such guest; where the node says it already, it is not said again."""
    left = nic(state=NicState.NO_GUEST)
    (line,) = lines(instance(), node(nics=(left,)))["node1.lab"]
    assert line == f"web1.lab NIC 0 (tap0): {NO_GUEST} on br0"
    nameless = nic("", state=NicState.NO_GUEST)
    assert lines(instance(), node(nics=(nameless,))) == {"node1.lab": [f"tap0: {NO_GUEST} on br0"]}
    for subject in ("tap0", "web2.lab NIC 0 (tap0)"):
        said = warning("port-left", "its port is left", subject)
        assert lines(instance(), node("node1.lab", said, nics=(left,))) == {}


def test_not_plugged() -> None:
    """Its hot-plugging has failed, or nobody has tried."""
    two = instance(nics=2)
    assert lines(two, node()) == {
        "node1.lab": [
            "web1.lab NIC 1: the running guest does not have it: restart the guest, or hot-plug the"
            " NIC anew"
        ]
    }
    assert lines(two, node("node1.lab", error("guests"))) == {}
    assert lines(replace(two, node="node2.lab"), node()) == {}
    assert lines(two, node(nics=(nic(), nic(index=1)))) == {}
