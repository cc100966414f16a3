"""The rules of the house that the source alone shows; which room may import which is elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "ganeti_ovs"
MODULES = sorted(PACKAGE.rglob("*.py"))

SILENT = {"model", "plan", "ovsdb", "cluster", "node", "master"}
"""Rooms that say nothing to anybody: no print, no standard output or error, no click, no rich.

The words are the doors'. `linux` is missing for what ends a program with a line.
"""
LOUD_IMPORTS = {"click", "rich"}
LONGEST = 60
"""Lines of a function, without its decorators."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def loud(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where, and how, something is said."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="print"):
                yield node.lineno, "print"
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr" as attr):
                yield node.lineno, f"sys.{attr}"
            case ast.Import(names=names):
                found = {alias.name.partition(".")[0] for alias in names} & LOUD_IMPORTS
                yield from ((node.lineno, name) for name in found)
            case ast.ImportFrom(module=str(module)):
                if module.partition(".")[0] in LOUD_IMPORTS:
                    yield node.lineno, module
                if module == "sys":
                    found = {alias.name for alias in node.names} & {"stdout", "stderr"}
                    yield from ((node.lineno, f"sys.{name}") for name in found)


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in SILENT],
    ids=name_of,
)
def test_only_doors_speak(path: Path) -> None:
    assert list(loud(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "print(1)", "from sys import stderr", "import sys; sys.stdout.write('')",
        "import rich.text", "def f():\n from rich import print", "import click as c",
    ],
)  # fmt: skip
def test_who_speaks_is_found(text: str) -> None:
    assert list(loud(ast.parse(text)))


FORMS = {"set", "map", "uuid", "named-uuid"}
"""What a value in OVSDB's JSON begins with (RFC 7047, 5.1)."""


def is_form(node: ast.AST) -> bool:
    """Or one of several."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(is_form, node.elts))
    return isinstance(node, ast.Constant) and node.value in FORMS


def wire(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where OVSDB's JSON is made or taken apart."""
    for node in ast.walk(tree):
        match node:
            case ast.List(elts=[first, _]) if is_form(first):
                yield node.lineno, "a value"
            case ast.Constant(value="map" | "named-uuid"):
                yield node.lineno, "a form"
            case ast.Compare(left=left, comparators=others) if any(map(is_form, [left, *others])):
                yield node.lineno, "a form"
            case ast.Subscript(
                value=ast.Subscript(slice=ast.Constant(value=str())),
                slice=ast.Constant(value=int()),
            ):
                yield node.lineno, "a part of a column"
            case ast.Dict(keys=keys):
                if any(isinstance(key, ast.Constant) and key.value == "op" for key in keys):
                    yield node.lineno, "an operation"


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.relative_to(PACKAGE).parts[0] != "ovsdb"],
    ids=name_of,
)
def test_the_form_of_rows_is_known_at_the_border_alone(path: Path) -> None:
    assert list(wire(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "a = ['set', []]", "f(['uuid', key])", "['named-uuid', 'p']", "b = value[0] == 'set'",
        "value[:1] == ['map']", "dict(row['external_ids'][1])", "key = row['_uuid'][1]",
        "{'op': 'insert', 'table': 'Port'}", "value[0] in ('uuid', 'set')",
    ],
)  # fmt: skip
def test_a_form_is_found(text: str) -> None:
    assert list(wire(ast.parse(text)))


def imported(statements: list[ast.stmt], modules: set[str]) -> Iterator[str]:
    """Our modules that are imported as soon as these statements are run."""
    for node in statements:
        match node:
            case ast.Import(names=names):
                yield from modules & {alias.name for alias in names}
            case ast.ImportFrom(module=str(module)):
                inner = {f"{module}.{alias.name}" for alias in node.names} & modules
                yield from inner or {module} & modules
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from imported(node.orelse, modules)
            case ast.If() | ast.Try() | ast.With():
                for field in ("body", "orelse", "handlers", "finalbody"):
                    for inner_node in getattr(node, field, []):
                        rest = inner_node.body if isinstance(inner_node, ast.ExceptHandler) else []
                        yield from imported(rest or [inner_node], modules)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules each of which imports the next one, and the last the first; empty if none do."""
    left = {name: set(others) for name, others in graph.items()}
    while ends := [name for name, others in left.items() if not others & left.keys()]:
        for name in ends:
            del left[name]
    if not left:
        return []
    way = [min(left)]
    while way[-1] not in way[:-1]:
        way.append(min(left[way[-1]] & left.keys()))
    return way[way.index(way[-1]) : -1]


def test_no_module_imports_itself_in_the_end() -> None:
    names = {name_of(path): path for path in MODULES}
    graph = {
        name: set(imported(ast.parse(path.read_text()).body, set(names)))
        for name, path in names.items()
    }
    assert "ganeti_ovs.master.rollout" in graph["ganeti_ovs.master.converge"]
    assert circle(graph) == []


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"e"}, "e": {"b", "c"}, "f": {"a"}}
    assert circle(graph) == ["b", "d", "e"]
    assert circle({**graph, "e": {"c"}}) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_hold_one_idea(path: Path) -> None:
    long = [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST
    ]
    assert long == []
