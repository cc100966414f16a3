"""gnt-ovs node-apply: its command line."""

from __future__ import annotations

import click

from ganeti_ovs.cli.nodeapply import carry_out
from ganeti_ovs.cli.options import database_option


@click.command("node-apply")
@click.option("--dry-run", is_flag=True, help="Say what would be changed, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@click.option("--force", is_flag=True, help="Do what is refused because it cuts somebody off.")
@click.option(
    "--confirm",
    metavar="SECONDS",
    type=click.FloatRange(0, 3600),
    default=0,
    help="Take the change back unless the line 'confirm' comes within so long (implies --json).",
)
@click.option(
    "--have", is_flag=True, help="Read nothing, change nothing: say which document is kept (JSON)."
)
@database_option
def node_apply(
    *,
    dry_run: bool,
    as_json: bool,
    force: bool,
    confirm: float,
    have: bool,
    database: str | None,
) -> None:
    """Make this node's vSwitches what the document (a line of JSON) on standard input says.

    The master runs it on every node. What is there is adopted and not rebuilt;
    guests keep their ports. If anything fails, or the change is not confirmed,
    everything is put back as it was. Exit code 1 then.
    """
    if not carry_out(dry_run, as_json, force, confirm, database, have=have):
        raise SystemExit(1)
