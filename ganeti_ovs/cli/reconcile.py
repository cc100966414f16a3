"""gnt-ovs reconcile: bring this node's ports to what its guests need."""

from __future__ import annotations

import json
import os

import click

from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.node import switches
from ganeti_ovs.node.reconcile import reconcile as reconcile_node
from ganeti_ovs.plan.portwords import lost_words, port_words


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@database_option
def reconcile(dry_run: bool, as_json: bool, database: str | None) -> None:
    """Give every guest that runs here its port, and remove ports that were left behind.

    For a lost database, changed tags, or a node on which things were done by
    hand. Nothing to do is no change. Ports that ganeti-ovs has not made, and
    ports of guests that Ganeti does not know, are left alone; the latter are
    reported. Exit code 1 if something cannot be put right.
    """
    environ = dict(os.environ)
    here = runtime(environ, database)
    restored, problems = switches.restore(here, caller(environ), dry_run=dry_run)
    found = reconcile_node(here, dry_run=dry_run)
    done = [*restored, *map(port_words, found.changes)]
    problems += found.problems
    if as_json:
        answer = {
            "done": done,
            "changes": [to_plain(one) for one in found.changes],
            "left": found.left,
            "problems": problems,
            "dry_run": dry_run,
        }
        click.echo(json.dumps(answer, indent=2))
    else:
        for line in done:
            click.echo(f"would have {line}" if dry_run else line)
        for line in found.left:
            click.echo(f"left alone: {line}")
        for line in filter(None, map(lost_words, found.changes)):
            click.echo(f"warning: {line}", err=True)
        for line in problems:
            click.echo(f"gnt-ovs: {line}", err=True)
        if not (done or found.left or problems):
            click.echo("nothing to do")
    if problems:
        raise SystemExit(1)
