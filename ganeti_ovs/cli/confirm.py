"""A question before what cannot be taken back, where somebody is there to answer it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ganeti_ovs.cli.results import said_of_change

if TYPE_CHECKING:
    from ganeti_ovs.master.desired import Proposal
    from ganeti_ovs.master.rollout import Rollout

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask, also on a terminal.")


def confirmed(way: Rollout, proposal: Proposal, question: str) -> bool:
    """Show what every node would do, and ask; without a terminal there is nobody to be asked.

    False as well when a node refuses, which is said.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        return True
    code = said_of_change(way.change(proposal, dry_run=True), as_json=False)
    if code:
        return False
    if not click.confirm(question, err=True):
        click.echo("nothing was changed", err=True)
        return False
    return True
