"""A node's differences on a terminal: green for what comes, red for what goes."""

from __future__ import annotations

import click


def shown(line: str) -> str:
    """One line of a plan's changes as a line of a diff: + comes, - goes, ~ changes.

    Colours are taken off again by click where the output is no terminal.
    """
    before, arrow, after = line.partition(" -> ")
    if arrow:
        where, _space, old = _setting(before)
        return f"~ {where} {click.style(old, fg='red')} -> {click.style(after, fg='green')}"
    if " removed" in line:
        return click.style(f"- {line}", fg="red")
    return click.style(f"+ {line}", fg="green")


def _setting(before: str) -> tuple[str, str, str]:
    """`br0: bond-br0: trunks 10 20` -> where and which setting, and its old value."""
    where, colon, rest = before.rpartition(": ")
    name, space, old = rest.partition(" ")
    return f"{where}{colon}{name}", space, old
