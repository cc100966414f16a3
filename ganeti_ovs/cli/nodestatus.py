"""gnt-ovs node-status: how this node is, as one line of JSON, for the master and for programs."""

from __future__ import annotations

import json
import os

import click

from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.model.status import FORMAT, NodeStatus
from ganeti_ovs.node.calls import LONGEST, Calls
from ganeti_ovs.node.status import node_status as status_of

_INPUT_LIMIT = 30.0
"""Seconds in which the document must come."""


@click.command("node-status")
@click.option(
    "--document",
    is_flag=True,
    help="Judge by the document on standard input (a line of JSON), not by the kept one.",
)
@database_option
def node_status(*, document: bool, database: str | None) -> None:
    """Print this node's status as a line of JSON: what is wanted, what is there, what is wrong.

    Everything is asked now: Open vSwitch's database, ovs-vswitchd, the kernel, and
    the guests that run here. Changes nothing. The master runs it on every node.
    """
    here = runtime(os.environ, database)
    sent = _document() if document else None
    click.echo(line(status_of(here, caller(os.environ), sent)))


def line(status: NodeStatus) -> str:
    """As it is printed."""
    return json.dumps({"format": FORMAT, **to_plain(status)}, separators=(",", ":"))


def _document() -> str:
    with Calls() as calls:
        text = calls.line(_INPUT_LIMIT, LONGEST)
    if not text:
        raise BadInput("no document of the vSwitches came on standard input")
    return text
