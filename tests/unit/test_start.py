"""node-apply as the master calls it, and everything else, which is for click."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from ganeti_ovs.cli import nodecommand
from ganeti_ovs.cli.main import COMMANDS, commands
from ganeti_ovs.cli.start import from_master


@pytest.mark.parametrize(
    "words",
    [
        "node-apply --json",
        "node-apply --json --confirm 30",
        "node-apply --json --confirm 0 --dry-run",
        "node-apply --json --confirm 30 --force",
        "node-apply --json --force --dry-run",
        "node-apply --json --have",
    ],
)
def test_the_same_as_for_people(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def carry_out(
        dry_run: bool = False,
        as_json: bool = False,
        force: bool = False,
        confirm: float = 0,
        database: object = None,
        *,
        have: bool = False,
    ) -> bool:
        seen.append(locals() | {"seen": None})
        return True

    monkeypatch.setattr(nodecommand, "carry_out", carry_out)
    options = from_master(words.split())
    assert options is not None
    carry_out(**options)
    done = CliRunner().invoke(commands, words.split())
    assert done.exit_code == 0, done.output
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "apply --json",
        "node-apply",
        "node-apply --dry-run",
        "node-apply --json -h",
        "node-apply --json --confirm",
        "node-apply --json --confirm x",
        "node-apply --json --confirm -1",
        "node-apply --json --confirm 9999",
        "node-apply --json --confirm=30",
        "node-apply --json --db unix:/x",
        "node-apply --json extra",
    ],
)
def test_not_the_master(words: str) -> None:
    assert from_master(words.split()) is None


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_there(name: str) -> None:
    done = CliRunner().invoke(commands, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f" {name} " in done.output
