"""gnt-ovs: the command for people."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from ganeti_ovs import __version__
from ganeti_ovs.linux.ending import ended

COMMANDS = {
    "add-switch": "switches",
    "modify-switch": "switches",
    "remove-switch": "switches",
    "list-switches": "switchlist",
    "info-switch": "switchlist",
    "modify-nic": "modifynic",
    "info-nic": "infonic",
    "apply": "apply",
    "verify": "verify",
    "list-nics": "niclist",
    "list-fields": "niclist",
    "show": "show",
    "reconcile": "reconcile",
    "node-apply": "nodecommand",
    "node-status": "nodestatus",
}
"""Command -> its module in ganeti_ovs.cli, where it is a function of the same name."""


class _Commands(click.Group):
    """Imports a command's module when it is asked for: no command waits for what others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"ganeti_ovs.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gnt-ovs")
def commands() -> None:
    """Open vSwitch for Ganeti."""


def main() -> int:
    """Run the command line; return the exit code: 0, 1 for an error, 2 for wrong usage."""
    return ended("gnt-ovs", _main, _say)


def _main() -> int:
    try:
        code = commands(prog_name="gnt-ovs", standalone_mode=False)
    except click.UsageError as err:
        err.show()
        return 2
    except click.ClickException as err:
        err.show()
        return err.exit_code
    except click.exceptions.Abort:
        _say("was ended by SIGINT")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has had enough; nothing more can be written.
        sys.stderr.close()
        return 0
    return int(code or 0)


def _say(line: str) -> None:
    print(f"gnt-ovs: {line}", file=sys.stderr)
