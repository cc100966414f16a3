"""A question before what cannot be taken back, where somebody is there to answer it."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING

import click

from ganeti_ovs.cli.results import said_of_change

if TYPE_CHECKING:
    from ganeti_ovs.master.desired import Proposal
    from ganeti_ovs.master.rollout import Rollout

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask, also on a terminal.")


def confirmed(way: Rollout, proposal: Proposal, question: str, *, as_json: bool) -> bool:
    """Show what every node would do, and ask; without a terminal there is nobody to be asked.

    False as well when a node refuses, which is said. `as_json`: standard output is for JSON alone.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        return True
    would = way.change(proposal, dry_run=True)
    shown = as_json and not would.failed
    with redirect_stdout(sys.stderr) if shown else nullcontext():
        code = said_of_change(would, as_json=as_json and not shown)
    if code:
        return False
    if not click.confirm(question, err=True):
        click.echo("nothing was changed", err=True)
        return False
    return True
