"""A node's differences on a terminal: green for what comes, red for what goes."""

from __future__ import annotations

import click

from ganeti_ovs.plan.changes import GOES, Change, Kind
from ganeti_ovs.plan.words import place, words


def shown(change: Change) -> str:
    """One change as a line of a diff: + comes, - goes, ~ changes (or is somebody else's word).

    Colours are taken off again by click where the output is no terminal.
    """
    if change.kind is Kind.SET:
        old, new = click.style(change.old, fg="red"), click.style(change.new, fg="green")
        return f"~ {place(change)} {old} -> {new}"
    if change.kind is Kind.SAID:
        return f"~ {words(change)}"
    if change.kind in GOES:
        return click.style(f"- {words(change)}", fg="red")
    return click.style(f"+ {words(change)}", fg="green")
