"""gnt-ovs show: this node's vSwitches and what is on them, as a picture or as JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace

import click

from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cli.picture import picture, switch_of
from ganeti_ovs.cli.problems import in_order, problem_line
from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.model.status import FORMAT, NodeStatus
from ganeti_ovs.node.status import node_status


@click.command()
@click.argument("switches", nargs=-1, metavar="[SWITCH]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the picture.")
@database_option
def show(switches: tuple[str, ...], as_json: bool, database: str | None) -> None:
    """Show this node's vSwitches: uplinks, bonds, and each guest's NIC with its state.

    Asked now, of Open vSwitch, ovs-vswitchd and the kernel; what is wrong stands below. A limit
    counts for both directions, or is SENDS/RECEIVES of the guest. With SWITCH, only these.
    """
    status = node_status(runtime(os.environ, database), caller(os.environ))
    if status.daemon is None:
        raise Error(status.unread)
    status = only(status, switches)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, **to_plain(status)}, indent=2))
        return
    if not status.switches:
        click.echo("no vSwitches on this node")
    for line in picture(status, status.switches, _width()):
        click.echo(line)
    for problem in in_order(status.problems):
        click.echo(problem_line(status.node, problem, here=True))


def only(status: NodeStatus, names: tuple[str, ...]) -> NodeStatus:
    """The same of these vSwitches alone; of all without names. Raises Error for one not there."""
    if not names:
        return status
    missing = set(names) - {one.name for one in status.switches if one.there}
    if missing:
        raise Error(f"this node has no vSwitch {', '.join(sorted(missing))}")
    nics = tuple(nic for nic in status.nics if switch_of(nic) in names)
    taps = {f"({nic.tap})" for nic in nics}
    return replace(
        status,
        switches=tuple(one for one in status.switches if one.name in names),
        nics=nics,
        problems=tuple(
            one
            for one in status.problems
            if not one.subject
            or one.subject.partition(":")[0] in names
            or one.subject.rpartition(" ")[2] in taps
        ),
    )


def _width() -> int | None:
    """Columns of the terminal; None where nobody looks at one, and no line is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
