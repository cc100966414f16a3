"""Tables as gnt-* prints them."""

from __future__ import annotations

import json

import pytest

from ganeti_ovs.cli.nodegroup import full_name
from ganeti_ovs.cli.table import chosen_fields, nice, print_table
from ganeti_ovs.model.errors import Error

EVERY, DEFAULT = ("name", "node", "state"), ("name", "state")
ROWS = [{"name": "n1", "state": "up"}, {"name": "node10", "state": "down"}]


@pytest.mark.parametrize(
    ("text", "fields"),
    [(None, DEFAULT), ("node", ("node",)), ("node,name", ("node", "name")),
     ("+node", ("name", "state", "node"))],
)  # fmt: skip
def test_fields(text: str | None, fields: tuple[str, ...]) -> None:
    assert chosen_fields(text, EVERY, DEFAULT) == fields


def test_no_such_field() -> None:
    with pytest.raises(Error, match="there is no field stat: name, node, state"):
        chosen_fields("+stat", EVERY, DEFAULT)


@pytest.mark.parametrize(
    ("separator", "no_headers", "lines"),
    [
        (None, False, ["Name   State", "n1     up", "node10 down"]),
        (None, True, ["n1     up", "node10 down"]),
        (":", True, ["n1:up", "node10:down"]),
    ],
)
def test_table(
    separator: str | None, no_headers: bool, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {"name": "Name", "state": "State"}
    print_table(ROWS, headers, separator=separator, no_headers=no_headers, as_json=False)
    assert capsys.readouterr().out.splitlines() == lines


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(ROWS, {"state": "State"}, separator=None, no_headers=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"state": "up"}, {"state": "down"}]


def test_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], {"state": "State"}, separator=None, no_headers=True, as_json=False)
    assert capsys.readouterr().out == ""


def test_nice() -> None:
    names = ["node10.lab", "node9.lab", "a", "node9.b2", "node9.b10", "9" * 40, ""]
    assert sorted(names, key=nice) == [
        "", "9" * 40, "a", "node9.b2", "node9.b10", "node9.lab", "node10.lab",
    ]  # fmt: skip


NODES = ["node1.example.com", "node10.example.com", "web.a", "web.b", "web"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("node1", NODES[0]), ("node1.example", NODES[0]), ("NODE10", NODES[1]), ("web", "web"),
     (NODES[1], NODES[1])],
)  # fmt: skip
def test_short_names(text: str, name: str) -> None:
    assert full_name(NODES, text, "node") == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nod1", "there is no node nod1; did you mean node1?"),
        ("node", "there is no node node; did you mean node1?"),
        ("x", "there is no node x"),
        ("web", "node web may be web.a or web.b"),
        ("", "there is no node "),
    ],
)
def test_names_of_nobody(text: str, words: str) -> None:
    with pytest.raises(Error) as info:
        full_name(NODES[:4], text, "node")
    assert str(info.value) == words
