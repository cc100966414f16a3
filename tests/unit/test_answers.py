"""What a master makes of the answers of nodes of this version, an older and a newer one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.master.answers import Answer, NotUnderstood, read_answer
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.plan.changes import FORMAT, Change, Kind, from_json, from_text, to_json
from ganeti_ovs.plan.health import failures, oddities
from ganeti_ovs.plan.received import received_state
from ganeti_ovs.plan.words import words

MEMBER = {
    "link": "up", "mtu": 1500, "mtu_request": None, "ofport": 1, "error": None,
    "lacp_current": None,
}  # fmt: skip
BOND = {"mode": "balance-slb", "lacp": "off", "negotiated": None, "active": None}
STATE: Any = {
    "br0": {
        "datapath_type": "system",
        "guest_mtu": None,
        "cut": [],
        "ports": {"bond-br0": {"trunks": [], "members": {"e0": MEMBER}, "bond": BOND}},
    }
}

texts = st.text(max_size=5)
printable = st.characters(exclude_categories=("C", "Z"))
shown = st.text(printable, max_size=5)
changes = st.builds(
    Change, st.sampled_from([*{*Kind} - {Kind.SAID}]), st.text(printable, min_size=1, max_size=5),
    shown, shown, shown, shown,
    st.lists(shown, max_size=2).map(tuple),
)  # fmt: skip
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(changes)
def test_changes_come_over_as_they_were(change: Change) -> None:
    assert from_json(json.loads(json.dumps(to_json(change)))) == change
    assert isinstance(words(change), str)


almost: Any = st.fixed_dictionaries(
    {"kind": st.sampled_from([*Kind])},
    optional=dict.fromkeys(("switch", "subject", "setting", "old", "new", "names"), json_values),
)


@given(json_values | almost)
def test_anything_else_is_no_change(data: object) -> None:
    try:
        words(from_json(data))
    except BadInput as err:
        assert "\n" not in str(err)


def test_this_version() -> None:
    data = {
        "format": FORMAT,
        "applied": True,
        "changes": ["br0: made"],
        "differences": [{"kind": "made", "switch": "br0"}],
        "warnings": ["slow"],
        "state": STATE,
        "kept": False,
    }
    assert read_answer(data) == Answer(
        (Change(Kind.MADE, "br0"),), ("slow",), applied=True, kept=False, state=STATE
    )


def test_the_version_before() -> None:
    answer = read_answer({"applied": True, "changes": ["br0: made"], "warnings": []})
    assert answer == Answer((from_text("br0: made"),), applied=True)
    assert [words(one) for one in answer.changes] == ["br0: made"]
    assert read_answer({"confirmed": True}).confirmed


@pytest.mark.parametrize("form", [3, "2", None, 0, True, 2.0, {"a": "\x1b\n"}])
def test_another_version(form: object) -> None:
    data = {"format": form, "changes": 7, "state": []}
    with pytest.raises(NotUnderstood, match=r"speaks format .* of another version") as caught:
        read_answer(data)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"format": FORMAT, "differences": 7}, "differences that are no list"),
        ({"format": FORMAT, "differences": [7]}, "a change that is no object: '7'"),
        ({"format": FORMAT, "differences": [{"kind": "painted"}]}, "unknown kind"),
        ({"format": FORMAT, "differences": [{"kind": "made", "new": 1}]}, "no text"),
        ({"changes": [{"kind": "made"}]}, "changes that are no text"),
        ({"warnings": {"a": 1}}, "warnings that are no list"),
    ],
)
def test_not_understood(data: dict[str, Any], why: str) -> None:
    with pytest.raises(NotUnderstood, match="its answer is not understood: .*" + why):
        read_answer(data)


@given(st.dictionaries(st.sampled_from([
    "format", "changes", "differences", "warnings", "state", "error", "kept", "applied",
]), json_values))  # fmt: skip
def test_nothing_but_a_line(data: dict[str, Any]) -> None:
    try:
        read_answer(data)
    except NotUnderstood as err:
        assert "\n" not in str(err)


def paths(value: Any, *before: str) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [before]
    return [before, *(path for name in value for path in paths(value[name], *before, name))]


@pytest.mark.parametrize("path", [one for one in paths(STATE) if one], ids="/".join)
@pytest.mark.parametrize("wrong", [..., None, [None], "word"])
def test_states_of_another_version(path: tuple[str, ...], wrong: object) -> None:
    """What is missing, or of another type, is named, and no other node suffers from it."""
    state = copy.deepcopy(STATE)
    within = state
    for name in path[:-1]:
        within = within[name]
    if wrong is ...:
        del within[path[-1]]
    else:
        within[path[-1]] = wrong
    answer = read_answer({"state": state})
    assert (answer.odd == "") or (answer.state == {} and "is not understood" in answer.odd)
    oddities(answer.state)
    failures(answer.state)


def test_a_state_that_lacks_something() -> None:
    state = copy.deepcopy(STATE)
    del state["br0"]["ports"]["bond-br0"]["members"]["e0"]["ofport"]
    with pytest.raises(BadInput, match="br0: bond-br0: e0: ofport"):
        received_state(state)
    answer = read_answer({"state": state})
    assert answer.state == {}
    assert answer.odd == (
        "how its vSwitches are is not understood (br0: bond-br0: e0: ofport); another version?"
    )


def test_a_state_with_more_than_is_known() -> None:
    state = copy.deepcopy(STATE)
    state["br0"]["colour"] = "red"
    assert received_state(state) == STATE
