"""How a rollout goes and what came of it: a bar on a terminal, then a table, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ganeti_ovs.cli.difference import shown
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.rollout import Result
from ganeti_ovs.master.versions import other_versions
from ganeti_ovs.plan.changes import to_json


@contextmanager
def bar(doing: str, nodes: int) -> Iterator[Callable[[object], None]]:
    """What is told of each node moves a bar on standard error, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _outcome: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=nodes)
        yield lambda _outcome: progress.advance(task)


def said(result: Result, *, as_json: bool) -> int:
    """Print what came of it; return the exit code."""
    if as_json:
        click.echo(json.dumps(as_data(result)))
    else:
        _table(result)
    return 1 if result.failed else 0


def said_of_change(result: Result, *, as_json: bool) -> int:
    """The same for a change, before which all nodes are asked."""
    code = said(result, as_json=as_json)
    if result.asked and result.failed:
        click.echo(f"nothing was changed, because of {', '.join(result.failed)}", err=True)
    return code


def as_data(result: Result) -> dict[str, object]:
    """The result as it stands in --json."""
    rows: list[dict[str, object]] = [
        {
            "node": name,
            "offline": False,
            "done": outcome.done,
            "changes": outcome.words,
            "differences": [to_json(change) for change in outcome.answer.changes],
            "warnings": outcome.answer.warnings,
            "error": outcome.error,
            "version": outcome.answer.version,
        }
        for name, outcome in result.outcomes.items()
    ]
    rows += [
        {
            "node": name,
            "offline": True,
            "done": False,
            "changes": [],
            "differences": [],
            "warnings": [],
            "error": "",
            "version": None,
        }
        for name in result.offline
    ]
    return {"group": result.group, "dry_run": result.asked, "nodes": rows}


def _table(result: Result) -> None:
    """Node after node: what was changed, what is odd, what went wrong."""
    for name, outcome in result.outcomes.items():
        click.echo(f"{name}: {_headline(outcome, asked=result.asked)}")
        for change in outcome.answer.changes if outcome.done else ():
            click.echo("  " + shown(change))
        for line in outcome.answer.warnings:
            click.echo("  " + click.style(f"warning: {line}", fg="yellow"))
    for name in result.offline:
        click.echo(f"{name}: offline, skipped; it gets it when it is back")
    for line in other_versions({name: one.answer.version for name, one in result.outcomes.items()}):
        click.echo(click.style(f"warning: {line}", fg="yellow"))


def _headline(outcome: Outcome, *, asked: bool) -> str:
    if not outcome.done:
        return click.style(f"failed: {outcome.error}", fg="red")
    if not outcome.answer.changes:
        return "nothing to do"
    return "would be changed" if asked else "changed"
