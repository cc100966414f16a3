"""docs/architecture.md: each step that it names exists, and its tables are what holds."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.unit.test_imports import MAY_IMPORT, PACKAGE

PAGE = (PACKAGE.parent / "docs/architecture.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z]+(?:\.[a-z_]+)+):([A-Za-z_.]+)`", PAGE)))
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
    assert {"desired", "current", "snapshot", "port", "plug", "journal", "status"} <= set(words)
