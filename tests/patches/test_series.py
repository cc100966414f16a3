"""The series applies without fuzz to Ganeti 3.0 and 3.1, and Ganeti's own tests are as before."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.patches.conftest import PATCHES, names, source

Tree = Callable[[str, bool], Path]

VERSIONS = ("3.0", "3.1")
TESTS = (
    "cfgupgrade", "cmdlib/backup", "cmdlib/cluster", "cmdlib/cmdlib", "cmdlib/instance",
    "ganeti.backend", "ganeti.bootstrap", "ganeti.cli", "ganeti.client.gnt_cluster",
    "ganeti.client.gnt_instance", "ganeti.config", "ganeti.constants", "ganeti.hooks",
    "ganeti.hypervisor.hv_kvm", "ganeti.hypervisor.hv_xen", "ganeti.objects", "ganeti.opcodes",
    "ganeti.query", "ganeti.rapi.client", "ganeti.rapi.rlib2", "ganeti.rpc",
)  # fmt: skip
"""Ganeti's tests of the modules that the series touches."""


def run(tree: Path, name: str) -> tuple[int, set[str]]:
    """One of Ganeti's test files: how many tests ran, and which failed."""
    tests = tree / "test/py/legacy"
    if not tests.exists():
        tests = tree / "test/py"
    done = subprocess.run(
        ["/usr/bin/python3", "-W", "ignore", tests / f"{name}_unittest.py"],
        cwd=tree, env={"PYTHONPATH": f".:{tests}", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    ran = re.search(r"(?m)^Ran (\d+) tests?", done.stderr)
    assert ran, f"{name}: {done.stderr[-2000:]}"
    return int(ran[1]), set(re.findall(r"(?m)^(?:FAIL|ERROR): (\w+ \([\w.]+\))", done.stderr))


@pytest.mark.parametrize("version", VERSIONS)
def test_applies_and_compiles(version: str) -> None:
    tree = source(version)
    assert not list(tree.rglob("*.orig")), "fuzz"
    assert not list(tree.rglob("*.rej"))
    changed = {
        name
        for patch in names(version)
        for name in re.findall(r"(?m)^\+\+\+ b/(\S+)", patch.read_text())
    }
    python = [name for name in changed if name.endswith(".py") or name.startswith("tools/")]
    assert len(python) > 10
    code = "import sys\nfor name in sys.argv[1:]: compile(open(name).read(), name, 'exec')"
    subprocess.run(
        ["/usr/bin/python3", "-W", "ignore", "-c", code, *python], cwd=tree, check=True, timeout=60
    )


def test_patches_are_explained_and_in_the_series() -> None:
    for version in VERSIONS:
        for patch in names(version):
            text = patch.read_text()
            assert re.match(r"Description: \S.+\n", text), f"{patch} has no description"
            assert "\n--- a/" in text
            assert max(map(len, text.partition("\n--- ")[0].splitlines())) <= 100
    listed = {patch.name for version in VERSIONS for patch in names(version)}
    assert {patch.name for patch in PATCHES.rglob("*.patch")} == listed


@pytest.mark.rest
@pytest.mark.parametrize("version", VERSIONS)
def test_ganeti_s_own_tests(version: str, tree: Tree) -> None:
    """The same tests fail as without the series (most often none), and none is lost."""
    trees = [tree(version, patched) for patched in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        before, after = pool.map(lambda one: [run(one, name) for name in TESTS], trees)
    for name, (ran_before, failed_before), (ran, failed) in zip(TESTS, before, after):
        assert ran >= ran_before, f"{name}: tests are gone"
        assert failed <= failed_before, f"{name}: {failed - failed_before}"
    assert sum(ran for ran, _failed in after) > sum(ran for ran, _failed in before) > 1000


@pytest.mark.parametrize("version", VERSIONS)
def test_the_series_own_tests(version: str, tree: Tree) -> None:
    ran, failed = run(tree(version, True), "ganeti.ovsparams")
    assert ran > 10
    assert not failed
