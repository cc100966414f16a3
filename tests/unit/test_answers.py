"""What a master makes of the answers of nodes of this version, an older and a newer one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.master.answers import Answer, NotUnderstood, read_answer
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.plan.changes import FORMAT, Change, Kind, from_json, from_text, to_json
from ganeti_ovs.plan.words import words

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
        "state": {"br0": {}},
        "kept": False,
        "version": "0.2",
    }
    assert read_answer(data) == Answer(
        (Change(Kind.MADE, "br0"),), ("slow",), applied=True, kept=False, version="0.2"
    )


def test_the_version_before() -> None:
    answer = read_answer({"applied": True, "changes": ["br0: made"], "warnings": []})
    assert answer == Answer((from_text("br0: made"),), applied=True, version="")
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
