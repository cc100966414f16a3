"""docs/architecture.md: each step that it names exists, and its tables are what holds.

And what docstrings and comments of the package name in it exists as well.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ganeti_ovs.node.phases import STEPS, Disk
from tests.unit.test_imports import MAY_IMPORT, PACKAGE

PAGE = (PACKAGE.parent / "docs/architecture.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z]+(?:\.[a-z_]+)+):([A-Za-z_.]+)`", PAGE)))
ROOM = "|".join(MAY_IMPORT)
MENTIONED = re.compile(rf"ganeti_ovs((?:\.[A-Za-z_]+)+)|`((?:{ROOM})\.[A-Za-z_.]+)`")
"""With the package's name wherever it stands, without it in backquotes."""
WAYS = ("One NIC's way", "One vSwitch's way")


def section(title: str) -> str:
    (found,) = (part for part in PAGE.split("\n## ") if part.startswith(title))
    return found


@cache
def defined(module: str) -> set[str]:
    """Functions, classes, methods and constants of a module: `name`, `Class.name`."""
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    assert path.exists(), f"there is no {path}"
    return set(_names(ast.parse(path.read_text()).body))


def _names(body: list[ast.stmt]) -> list[str]:
    found = []
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.append(name)
            case ast.ClassDef(name=name, body=inner):
                found += [name, *(f"{name}.{one}" for one in _names(inner))]
            case ast.Assign(targets=targets):
                found += [one.id for one in targets if isinstance(one, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.append(name)
    return found


@pytest.mark.parametrize(("module", "name"), NAMED, ids=str)
def test_what_is_named_exists(module: str, name: str) -> None:
    assert name in defined(module)


@pytest.mark.parametrize("title", WAYS)
def test_ways_are_told_step_by_step(title: str) -> None:
    """Numbered from 1, without a gap, each with a name (but for what is said between master
    and node); by every room that takes part."""
    steps = re.findall(r"^(\d+)\. (.*(?:\n {3,}.*)*)", section(title), re.MULTILINE)
    assert [int(number) for number, _text in steps] == list(range(1, len(steps) + 1))
    assert len(steps) >= 15
    assert sum(":" not in text for _number, text in steps) == 0 or title == WAYS[1]
    rooms = {room for room, _name in re.findall(r"`([a-z]+)\.[a-z_.]+:([A-Za-z_.]+)`", str(steps))}
    assert {"model", "plan", "ovsdb", "linux", "cluster", "node"} <= rooms


def test_rooms_are_those_that_imports_keep_to() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", section("Rooms"), re.MULTILINE)
    told = {room: set(filter(None, rest.replace(",", " ").split())) for room, rest in rows}
    assert told == {room: others - {room} for room, others in MAY_IMPORT.items()}
    there = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(told) == there


def test_words_are_explained_once() -> None:
    words = re.findall(r"^\* \*\*(.*?)\*\*: ", section("Words"), re.MULTILINE)
    assert words == sorted(set(words))
    field = {"desired", "current", "snapshot", "port", "plug", "journal", "state", "checkpoint"}
    assert field | {"rollback", "commit-confirmed", "plan", "change"} <= set(words)


def test_phases_are_those_of_the_code() -> None:
    row = r"^\| (\w+) \| (\w+) \| (\w+) \| ?(\w*) \| ?(\w*) \|$"
    told = re.findall(row, section("A change, commit-confirmed"), re.MULTILINE)
    assert [(phase, event) for phase, event, *_rest in told] == [
        (phase.name, event.name) for phase, event in STEPS
    ]
    assert [tuple(rest) for _phase, _event, *rest in told] == [
        (one.phase.name, written(one.first), written(one.then)) for one in STEPS.values()
    ]


def written(what: Disk) -> str:
    return "" if what is Disk.NOTHING else what.name


def prose(source: str) -> Iterator[str]:
    """Docstrings, those of constants and attributes, too, and comments."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def mentioned(source: str) -> set[str]:
    """What of ours docstrings and comments name: `room`, `room.module`, `room.module.name`."""
    return {
        (whole or short).strip(".")
        for text in prose(source)
        for whole, short in MENTIONED.findall(text)
    }


def is_there(name: str) -> bool:
    room, _, rest = name.partition(".")
    module, _, inner = rest.partition(".")
    if not module:
        return (PACKAGE / room / "__init__.py").exists()
    path = PACKAGE / room / f"{module}.py"
    return path.exists() and (not inner or inner in defined(f"{room}.{module}"))


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_what_docstrings_name_exists(path: Path) -> None:
    assert [name for name in sorted(mentioned(path.read_text())) if not is_there(name)] == []


def test_what_docstrings_name_is_found() -> None:
    """So that the test above cannot look at nothing."""
    source = (PACKAGE / "node/phases.py").read_text()
    assert {"node.commit", "node.guard", "node.settle"} <= mentioned(source)
    assert mentioned('"""A `node.tap.up`."""\nx = 1  # see ganeti_ovs.cli.start.') == {
        "node.tap.up",
        "cli.start",
    }
    assert is_there("node.tap.up")
    assert is_there("model")
    assert not is_there("cli.start")
    assert not is_there("node.tap.Up.nothing")
