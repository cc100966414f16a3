"""gnt-ovs reconcile: bring this node's ports to what its guests need."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import click

from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.node import switches
from ganeti_ovs.node.reconcile import reconcile as reconcile_node


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in one line, instead.")
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
    done, problems = switches.restore(here, caller(environ), dry_run=dry_run)
    plan = reconcile_node(here, dry_run=dry_run)
    plan.done[:0] = done
    plan.problems[:0] = problems
    if as_json:
        click.echo(json.dumps({**asdict(plan), "dry_run": dry_run}))
    else:
        for line in plan.done:
            click.echo(f"would have {line}" if dry_run else line)
        for line in plan.left:
            click.echo(f"left alone: {line}")
        for line in plan.problems:
            click.echo(f"gnt-ovs: {line}", err=True)
        if not (plan.done or plan.left or plan.problems):
            click.echo("nothing to do")
    if plan.problems:
        raise SystemExit(1)
