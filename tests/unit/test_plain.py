"""A node's status as JSON, and back: nothing is lost, and nothing odd comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.plain import from_plain, to_plain
from ganeti_ovs.model.status import (
    Daemon,
    Learned,
    NicState,
    NicStatus,
    NodeStatus,
    PortSettings,
    Problem,
    Severity,
    SwitchStatus,
)

GOOD: dict[str, Any] = {"node": "n1", "version": "1"}
ODD = [
    ([], "NodeStatus is no NodeStatus"),
    ({"node": "n1"}, "NodeStatus has no version"),
    ({**GOOD, "node": 1}, "NodeStatus.node is no str"),
    ({**GOOD, "daemon": {"alive": 1}}, "NodeStatus.daemon.alive is no bool"),
    ({**GOOD, "switches": {}}, "NodeStatus.switches is no tuple"),
    ({**GOOD, "kept": 5}, "NodeStatus.kept is no str"),
    (
        {**GOOD, "nics": [{"instance": "a", "index": "0", "uuid": "", "tap": "", "state": "x"}]},
        "NodeStatus.nics.state is no NicState",
    ),
    (
        {**GOOD, "switches": [{"name": "br0", "there": True, "ours": True, "wanted": {"a": 1}}]},
        "NodeStatus.switches.wanted is no str",
    ),
]

TEXT = st.text(st.characters(categories=("L", "N", "P")), max_size=8)
STATUS = st.builds(
    NodeStatus,
    node=TEXT,
    version=TEXT,
    daemon=st.none() | st.builds(Daemon, alive=st.booleans(), version=TEXT),
    kept=st.none() | TEXT,
    switches=st.tuples(
        st.builds(
            SwitchStatus,
            name=TEXT,
            there=st.booleans(),
            ours=st.booleans(),
            wanted=st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
            works=st.none() | st.booleans(),
            trunks=st.tuples(st.integers(1, 4094)),
        )
    ),
    nics=st.tuples(
        st.builds(
            NicStatus,
            instance=TEXT,
            index=TEXT,
            uuid=TEXT,
            tap=TEXT,
            state=st.sampled_from(NicState),
            actual=st.none() | st.builds(PortSettings, switch=TEXT, port_type=TEXT),
            learned=st.tuples(st.builds(Learned, mac=TEXT, vlan=st.integers(0, 4094))),
        )
    ),
    problems=st.tuples(
        st.builds(Problem, severity=st.sampled_from(Severity), kind=TEXT, words=TEXT)
    ),
)


@given(STATUS)
def test_there_and_back(status: NodeStatus) -> None:
    assert from_plain(NodeStatus, json.loads(json.dumps(to_plain(status)))) == status


@pytest.mark.parametrize(("data", "words"), ODD, ids=[words for _data, words in ODD])
def test_what_is_odd_is_named(data: object, words: str) -> None:
    with pytest.raises(BadInput, match=f"^{words}$"):
        from_plain(NodeStatus, data)


def test_what_a_later_release_adds_is_passed_over() -> None:
    assert from_plain(NodeStatus, {**GOOD, "weather": "fine"}) == NodeStatus("n1", "1")


def test_text_comes_printable() -> None:
    assert from_plain(NodeStatus, {**GOOD, "node": "n1\x1b[2J\n"}).node == "n1\\x1b[2J\\n"


def test_a_problem_is_one_line() -> None:
    problem = Problem(Severity.ERROR, "port-gone", "it has no port", "web NIC 0 (tap0)", "cmd")
    assert problem.line == "web NIC 0 (tap0): it has no port; cmd"
