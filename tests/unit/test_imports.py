"""What the way of one tap imports, and which way imports point."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "ganeti_ovs"

HEAVY = {
    "argparse", "asyncio", "click", "collections", "ctypes", "dataclasses", "enum", "functools",
    "inspect", "logging", "netaddr", "ovs", "pathlib", "pyroute2", "re", "rich", "selectors",
    "shutil", "signal", "site", "socket", "subprocess", "tempfile", "threading", "traceback",
    "typing",
}  # fmt: skip
"""json is allowed, but takes 6 ms with all that it imports; see ganeti_ovs.model.jsontext."""

BORDERS = {"ovsdb", "linux", "cluster"}
SERVICES = {"node", "master"}
DOORS = {"ifup", "hooks", "cli"}
INNER = {"model", "plan", *BORDERS}
MAY_IMPORT = {
    "model": {"model"},
    "plan": {"model", "plan"},
    "ovsdb": {"model", "ovsdb"},
    "linux": {"model", "linux"},
    "cluster": {"model", "cluster"},
    **{service: {*INNER, service} for service in SERVICES},
    **{door: {*INNER, *SERVICES, door} for door in DOORS},
}
"""Room -> those that its modules import from. Borders do not know each other, nor do the node's
and the master's services; no door goes through another one."""


@pytest.mark.parametrize("module", ["ifup.kvm", "ifup.network"])
def test_one_tap_imports_nothing_heavy(module: str) -> None:
    assert loaded(module) <= baseline() | {
        "__future__", "_json", "_socket", "_struct", "errno", "gc", "struct",
    }  # fmt: skip


@pytest.mark.parametrize(
    "module", ["cli.reconcile", "cli.nodeapply", "hooks.after", "hooks.verify"]
)
def test_guests_ports_need_no_library_of_open_vswitch(module: str) -> None:
    """It is for announcing guests; without it, ports and vSwitches are put right all the same."""
    code = "import sys; sys.modules['ovs'] = sys.modules['pyroute2'] = None; import ganeti_ovs."
    subprocess.run([sys.executable, "-Bc", code + module], cwd=PACKAGE.parent, check=True)


def loaded(module: str) -> set[str]:
    """What is imported with a module of ours: C modules, and a few small ones."""
    code = (
        f"import sys; sys.path.append({str(PACKAGE.parent)!r});"
        f"import ganeti_ovs.{module}; print(*sys.modules)"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-ISBc", code], capture_output=True, text=True, check=True
    )
    found = {name.partition(".")[0] for name in done.stdout.split()}
    assert "ganeti_ovs" in found
    assert not found & HEAVY
    return found - {"ganeti_ovs"}


def baseline() -> set[str]:
    done = subprocess.run(
        ["/usr/bin/python3", "-ISc", "import sys, os; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_point_inwards(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganeti_ovs."):
            assert (node.module or "").split(".")[1] in MAY_IMPORT[room]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_modules_hold_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250
