"""gnt-ovs: the command for people."""

from __future__ import annotations

import sys

import click

from ganeti_ovs import __version__
from ganeti_ovs.cli.node import node_apply
from ganeti_ovs.cli.reconcile import reconcile
from ganeti_ovs.cli.show import show
from ganeti_ovs.cli.switches import add_switch, apply, modify_switch, remove_switch
from ganeti_ovs.cli.switchlist import info_switch, list_switches
from ganeti_ovs.cli.verify import verify
from ganeti_ovs.model.errors import Error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gnt-ovs")
def commands() -> None:
    """Open vSwitch for Ganeti."""


for command in (
    add_switch, modify_switch, remove_switch, list_switches, info_switch, apply, verify, show,
    reconcile, node_apply,
):  # fmt: skip
    commands.add_command(command)


def main() -> int:
    """Run the command line; return the exit code: 0, 1 for an error, 2 for wrong usage."""
    try:
        code = commands(prog_name="gnt-ovs", standalone_mode=False)
    except Error as err:
        print(f"gnt-ovs: {err}", file=sys.stderr)
        return 1
    except click.UsageError as err:
        err.show()
        return 2
    except click.exceptions.Abort:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has had enough; nothing more can be written.
        sys.stderr.close()
        return 0
    return int(code or 0)
