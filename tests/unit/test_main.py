"""The command line of gnt-ovs: each command is there, and waits for no other's imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ganeti_ovs.cli import nodecommand
from ganeti_ovs.cli.main import COMMANDS, commands

SOURCE = Path(__file__).parents[2]
LATER = {"rich", *(f"ganeti_ovs.cli.{module}" for module in COMMANDS.values())}
"""What is imported only when it is needed."""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_there(name: str) -> None:
    done = CliRunner().invoke(commands, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f" {name} " in done.output


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("--json", {"as_json": True}),
        ("--json --confirm 30 --force", {"as_json": True, "confirm": 30.0, "force": True}),
        ("--json --confirm 0 --dry-run", {"as_json": True, "dry_run": True}),
        ("--json --have", {"as_json": True, "have": True}),
        ("--db unix:/x", {"database": "/x"}),
    ],
)
def test_node_apply_as_the_master_calls_it(
    words: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def carry_out(
        dry_run: bool,
        as_json: bool,
        force: bool,
        confirm: float,
        database: object,
        *,
        have: bool,
    ) -> bool:
        seen.append(dict(locals()))
        return True

    monkeypatch.setattr(nodecommand, "carry_out", carry_out)
    done = CliRunner().invoke(commands, ["node-apply", *words.split()])
    assert done.exit_code == 0, done.output
    (options,) = seen
    options.pop("seen")
    assert {name: value for name, value in options.items() if value} == asked


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ("--version", set()),
        ("node-apply --help", {"nodecommand"}),
        ("show --help", {"show"}),
        ("apply --help", {"apply"}),
        ("nonsense", set()),
    ],
)
def test_a_command_imports_what_it_needs(words: str, needs: set[str]) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); sys.argv[1:] = {words.split()!r}\n"
        "from ganeti_ovs.cli.main import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-IBc", code], capture_output=True, text=True, check=False
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "ganeti_ovs.cli.main" in loaded
    wanted = {f"ganeti_ovs.cli.{module}" for module in needs}
    assert loaded & LATER == wanted
