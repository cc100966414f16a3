"""gnt-ovs reconcile: bring this node's ports to what its guests need."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

import click

from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cluster import news as cluster_news
from ganeti_ovs.cluster.runtime import Runtime, caller, runtime
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.node import switches
from ganeti_ovs.node.calls import Calls
from ganeti_ovs.node.effect import effects, moved
from ganeti_ovs.node.reconcile import Done
from ganeti_ovs.node.reconcile import reconcile as reconcile_node
from ganeti_ovs.plan.portwords import lost_words, port_words

_INPUT_LIMIT = 30.0
"""Seconds in which the news must come."""


@click.command()
@click.option(
    "--news",
    is_flag=True,
    help="Read what Ganeti has just said of a guest's NICs, a line of JSON, from standard input,"
    " as gnt-ovs modify-nic sends it; answer a line of JSON.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in one line, instead.")
@database_option
def reconcile(*, news: bool, dry_run: bool, as_json: bool, database: str | None) -> None:
    """Give every guest that runs here its port, and remove ports that were left behind.

    For a lost database, changed tags, or a node on which things were done by
    hand. Nothing to do is no change. Ports that ganeti-ovs has not made, and
    ports of guests that Ganeti does not know, are left alone; the latter are
    reported. Exit code 1 if something cannot be put right.
    """
    environ = dict(os.environ)
    here = runtime(environ, database)
    if news:
        _with_news(here, dry_run)
        return
    restored, problems = switches.restore(here, caller(environ), dry_run=dry_run)
    found = reconcile_node(here, dry_run=dry_run)
    done = [*restored, *map(port_words, found.changes)]
    problems += found.problems
    if as_json:
        click.echo(json.dumps(_answer(done, found, problems, dry_run)))
    else:
        for line in done:
            click.echo(f"would have {line}" if dry_run else line)
        for line in found.left:
            click.echo(f"left alone: {line}")
        for line in _lost(found, dry_run):
            click.echo(f"warning: {line}", err=True)
        for line in problems:
            click.echo(f"gnt-ovs: {line}", err=True)
        if not (done or found.left or problems):
            click.echo("nothing to do")
    if problems:
        raise SystemExit(1)


def _with_news(here: Runtime, dry_run: bool) -> None:
    with Calls() as calls:
        line = calls.line(_INPUT_LIMIT, cluster_news.LONGEST)
    if not line:
        raise BadInput("no news of NICs came on standard input")
    said = cluster_news.from_line(line)
    indices = moved(here, said)
    found = reconcile_node(here, news=said.by_uuid, whole=said.whole, dry_run=dry_run)
    nics = [] if dry_run else [asdict(one) for one in effects(here, said)]
    answer = _answer([*map(port_words, found.changes)], found, found.problems, dry_run)
    answer = {"format": cluster_news.FORMAT, **answer, "nics": nics, "moved": indices}
    click.echo(json.dumps(answer, separators=(",", ":")))


def _lost(found: Done, dry_run: bool) -> list[str]:
    lines = (lost_words(one, dry_run=dry_run) for one in found.changes)
    return [line for line in lines if line]


def _answer(done: list[str], found: Done, problems: list[str], dry_run: bool) -> dict[str, Any]:
    return {
        "done": done,
        "changes": [to_plain(one) for one in found.changes],
        "left": found.left,
        "warnings": _lost(found, dry_run),
        "problems": problems,
        "dry_run": dry_run,
    }
