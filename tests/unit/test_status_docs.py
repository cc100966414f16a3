"""docs/status.md names every kind of problem that there is, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")


def kinds() -> set[str]:
    """Words that stand where a problem's kind does."""
    found: set[str] = set()
    for name in (
        "plan/judge",
        "plan/judgeswitch",
        "plan/judgenic",
        "node/status",
        "node/look",
        "node/seen",
    ):
        tree = ast.parse((ROOT / f"ganeti_ovs/{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found |= {
                    one.value
                    for one in node.args[:2]
                    if isinstance(one, ast.Constant)
                    and isinstance(one.value, str)
                    and ast.unparse(node.func) in ("Problem", "Trouble", "self._say", "self._try")
                }
            elif isinstance(node, ast.Dict):
                found |= {
                    key.value
                    for key in node.keys
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                }
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
                first = node.elts[0]
                word = first.value if isinstance(first, ast.Constant) else None
                if isinstance(word, str) and WORD.fullmatch(word):
                    found.add(word)
    return found - {"tap", "up"}


def test_every_kind_is_told() -> None:
    page = (ROOT / "docs/status.md").read_text().partition("## Problems")[2]
    told = {
        word
        for cell in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
        for word in re.findall(r"`([^`]*)`", cell)
    }
    assert kinds() == told
    assert len(told) > 30
