"""Tables as gnt-* prints them: fields that are chosen, headers, separators, or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from ganeti_ovs.model.errors import Error

Command = Callable[..., Any]

_OPTIONS = (
    click.option("-o", "--output", metavar="FIELDS", help="Joined by commas; +FIELDS: and these."),
    click.option("--no-headers", is_flag=True, help="Without the first line."),
    click.option(
        "--separator", metavar="TEXT", help="Between fields, instead of spaces to align them."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table."),
)


def table_options(command: Command) -> Command:
    """-o, --no-headers, --separator and --json."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_fields(
    text: str | None, every: Iterable[str], default: Sequence[str]
) -> tuple[str, ...]:
    """Field names as in gnt-*: a list joined by commas, with a leading + beside the default.

    Raises Error for one that is not among `every`.
    """
    if text is None:
        return tuple(default)
    known = tuple(every)
    base = default if text.startswith("+") else ()
    chosen = (*base, *text.removeprefix("+").split(","))
    for field in chosen:
        if field not in known:
            raise Error(f"there is no field {field}: {', '.join(known)}")
    return chosen


def print_table(
    rows: Iterable[Mapping[str, str]],
    headers: Mapping[str, str],
    *,
    separator: str | None,
    no_headers: bool,
    as_json: bool,
) -> None:
    """Print the rows (field -> text), of each the fields that `headers` names, in that order."""
    if as_json:
        click.echo(json.dumps([{field: row[field] for field in headers} for row in rows], indent=2))
        return
    lines = [[row[field] for field in headers] for row in rows]
    if not no_headers:
        lines.insert(0, [*headers.values()])
    for line in aligned(lines) if separator is None else map(separator.join, lines):
        click.echo(line)


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Words of each line below those of the others."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        " ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def nice(name: str) -> tuple[tuple[str, int], ...]:
    """What names are sorted by, as gnt-* does: node9 before node10."""
    return tuple((text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d{0,18})", name))
