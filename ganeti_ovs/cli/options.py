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
