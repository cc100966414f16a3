"""The environment is read at the doors, and by the border to Ganeti that knows its names."""

from __future__ import annotations

import ast

import pytest

from tests.unit.test_imports import DOORS, PACKAGE

READ_IT = {*DOORS, "cluster"}
ALLOWED = {"linux/ending.py": "GANETI_OVS_DEBUG, when a program of ours ends"}

PATHS = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("name", [one for one in PATHS if one.split("/")[0] not in READ_IT])
def test_environ_stays_at_the_doors(name: str) -> None:
    said = {
        getattr(node, field, None)
        for node in ast.walk(ast.parse(PATHS[name].read_text()))
        for field in ("id", "arg", "attr")
    }
    there = bool(said & {"environ", "environb", "getenv"})
    assert there == (name in ALLOWED)
