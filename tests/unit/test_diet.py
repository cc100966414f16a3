"""The start-up diet is the tap's alone: what its scripts load keeps it, nothing else does.

The diet: TYPE_CHECKING = False instead of typing, `_socket` and `_signal` instead of the modules
around them, `Frozen` instead of dataclasses, `jsontext` instead of json.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_imports import HEAVY, PACKAGE

DOORS = {"ifup.kvm", "ifup.network"}
ASIDE = {"node.siblings": "a NIC fails", "node.plugged": "tags name NICs by index"}
"""What these scripts load only when something happens that costs more than the import."""
LIGHT = {"_socket", "_signal", "_json"}
INSTEAD = {"model.value", "model.jsontext"}

Import = ast.Import | ast.ImportFrom


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


TREES = {name_of(path): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all in it, but for what only type checkers see."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from at_run_time(other)
        else:
            yield from at_run_time(child)


def imports(module: str) -> Iterator[str]:
    """What it imports, anywhere in it; modules of ours without the package's name."""
    for node in at_run_time(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            found = node.module or ""
            ours = found.removeprefix("ganeti_ovs.")
            if ours == found:
                yield found
                continue
            inside = [f"{ours}.{one.name}" for one in node.names]
            yield from (one if one in TREES else ours for one in inside)


def way() -> set[str]:
    """The modules that the tap's scripts load."""
    found: set[str] = set()
    todo = set(DOORS)
    while todo:
        module = todo.pop()
        found.add(module)
        todo |= {one for one in imports(module) if one in TREES} - found - ASIDE.keys()
    return found


WAY = way()


def tricks(module: str) -> set[str]:
    """What of the diet it keeps."""
    found = {one for one in imports(module) if one in LIGHT | INSTEAD}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Assign) and ast.unparse(node) == "TYPE_CHECKING = False":
            found.add("TYPE_CHECKING = False")
    return found - ({module} & INSTEAD)


def test_the_way() -> None:
    """What this test itself found, so that it cannot look at nothing."""
    assert {"node.tap", "ovsdb.session", "ovsdb.find", "plan.port", "model.jsontext"} <= WAY
    assert not ASIDE.keys() & WAY
    assert not {one for one in WAY if one.startswith(("cli.", "hooks.", "master."))}


@pytest.mark.parametrize("module", sorted(WAY))
def test_the_taps_way_keeps_the_diet(module: str) -> None:
    """At its top, in whatever way it is written; functions import it when it is needed."""
    top = [node for node in TREES[module].body if isinstance(node, Import)]
    heavy = {name for node in top for name in names(node)} & (HEAVY | {"json"})
    assert not heavy - {"__future__"}


def names(node: Import) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {one.name.partition(".")[0] for one in node.names}


@pytest.mark.parametrize("module", sorted(TREES.keys() - WAY))
def test_nothing_else_does(module: str) -> None:
    assert tricks(module) == set()
