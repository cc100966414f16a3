"""gnt-ovs apply: bring nodes what is kept for them, on the master."""

from __future__ import annotations

import click

from ganeti_ovs.cli.store import Run, chosen_group
from ganeti_ovs.cli.switches import (
    dry_run_option,
    force_option,
    group_of,
    group_option,
    json_option,
    node_option,
)
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.master.desired import read_wanted
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
    """Bring nodes what is kept for them: all of a group, or one.

    For nodes that were offline, were added, or came from another group. Repeating
    it does no harm.
    """
    master = Master()
    cluster = master.read()
    if node is not None:
        node_group = group_of(cluster, node, node_group)
    groups = [node_group] if node_group else [*cluster.groups]
    codes = []
    for name in sorted(groups):
        try:
            wanted = read_wanted(cluster, chosen_group(cluster, name))
            codes.append(Run(master, cluster, wanted, dry_run, force, as_json).apply(node))
        except BadInput as err:  # The other groups get theirs all the same.
            click.echo(f"gnt-ovs: {err}", err=True)
            codes.append(1)
    return max(codes, default=0)
