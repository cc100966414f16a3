"""gnt-ovs apply: bring nodes what is kept for them, on the master."""

from __future__ import annotations

import click

from ganeti_ovs.cli import changed
from ganeti_ovs.cli.nodegroup import chosen_groups, named_node, rollout
from ganeti_ovs.cli.options import (
    dry_run_option,
    force_option,
    group_option,
    json_option,
    node_option,
)
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.model.errors import BadInput


@click.command("apply")
@group_option
@node_option
@dry_run_option
@force_option
@json_option
def apply(
    *,
    node_group: str | None,
    node: str | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Bring nodes what is kept for them, and their guests' ports: all of a group, or one.

    For nodes that were offline, were added, came from another group, or have lost their
    database. Repeating it does no harm.
    """
    master = Master()
    cluster = master.read()
    codes = []
    for name in chosen_groups(cluster, node_group, node):
        try:
            way = rollout(master, cluster, name, force=force)
            only = named_node(cluster, node)
            codes.append(changed.apply(way, only, dry_run=dry_run, as_json=as_json))
        except BadInput as err:  # The other groups get theirs all the same.
            click.echo(f"gnt-ovs: {err}", err=True)
            codes.append(1)
    return max(codes, default=0)
