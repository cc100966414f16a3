"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import click


def _socket_path(_context: click.Context, _option: Any, value: str | None) -> str | None:
    if value is None:
        return None
    if not value.startswith("unix:"):
        raise click.BadParameter("only unix:PATH is possible")
    return value[len("unix:") :]


database_option = click.option(
    "--db",
    "database",
    metavar="unix:PATH",
    callback=_socket_path,
    help="Open vSwitch's database; by default db.sock in OVS_RUNDIR or /var/run/openvswitch.",
)
"""--db, as in Open vSwitch's own tools."""

group_option = click.option("-g", "--node-group", metavar="GROUP", help="By default the only one.")
node_option = click.option("-n", "--node", metavar="NODE", help="This node alone.")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show the differences, change nothing."
)
force_option = click.option(
    "--force", is_flag=True, help="Also where it can cut off guests or the node itself."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, an object a line, instead."
)
