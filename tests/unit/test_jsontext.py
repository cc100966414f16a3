from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model import jsontext

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_the_fast_way_is_taken_where_it_exists() -> None:
    assert jsontext.values.__module__ == "ganeti_ovs.model.jsontext"
    scan, dumps = jsontext._from_c()
    assert type(jsontext._scan) is type(scan)
    assert jsontext.dumps.__code__ is dumps.__code__


@given(JSON)
def test_same_as_json(value: Any) -> None:
    text = jsontext.dumps(value)
    assert json.loads(text) == value
    assert jsontext.values(text) == ([value], len(text))


@given(st.lists(st.dictionaries(st.text(), JSON), max_size=4), st.integers(0, 400))
def test_whole_values_and_the_rest(messages: list[dict[str, Any]], cut: int) -> None:
    text = "".join(map(json.dumps, messages))
    found, rest = jsontext.values(text[:cut])
    assert found == messages[: len(found)]
    assert "".join(map(json.dumps, messages[: len(found)])) == text[:rest]
    again, _ = jsontext.values(text[rest:])
    assert found + again == messages


@pytest.mark.parametrize("text", ['{"a": {}', '{"a": "x}', "[{}", '{"a"', "{"])
def test_the_rest_while_json_is_not_imported(text: str) -> None:
    """NOTE: from Python 3.13 on, the C code then imports it, for the exception that it raises."""
    code = (
        f"import sys; sys.path.append({str(Path(__file__).parents[2])!r});"
        "from ganeti_ovs.model.jsontext import values; assert 'json' not in sys.modules;"
        f"print(values('[1]' + {text!r}))"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-ISBc", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("([[1]], 3)\n", "")


def test_json_itself_where_the_c_code_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_json", None)
    with pytest.raises(ImportError):
        jsontext._from_c()
    scan, dumps = jsontext._from_json()
    assert scan(dumps([{"a": "é"}]), 0)[0] == [{"a": "é"}]


def test_unknown_type() -> None:
    with pytest.raises(TypeError, match="bytes is no JSON value"):
        jsontext.dumps(b"x")
