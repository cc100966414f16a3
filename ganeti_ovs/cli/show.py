"""gnt-ovs show: this node's vSwitches and what is on them, as a picture or as JSON."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from ganeti_ovs.cli.options import database_option
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.rate import format_bits
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.ovsdb.view import PortView, SwitchView, read_switches

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 200
"""Characters per line where nobody looks at a terminal: long lines are not cut."""


@click.command()
@click.argument("switches", nargs=-1, metavar="[SWITCH]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the picture.")
@database_option
def show(switches: tuple[str, ...], as_json: bool, database: str | None) -> None:
    """Show this node's vSwitches with their ports: which guest, VLANs, limits, state.

    A limit without a direction counts for both. With SWITCH, only these.
    """
    with Client(runtime(os.environ, database).socket) as client:
        found = read_switches(client)
    missing = set(switches) - {switch.name for switch in found}
    if missing:
        raise Error(f"this node has no vSwitch {', '.join(sorted(missing))}")
    chosen = [switch for switch in found if not switches or switch.name in switches]
    if as_json:
        click.echo(json.dumps([as_data(switch) for switch in chosen], indent=2))
    else:
        draw(chosen)


def as_data(switch: SwitchView) -> dict[str, object]:
    """A vSwitch as it stands in --json. Limits in bit/s, 0 = unlimited."""
    ports = [
        {**vars(port), "vlan": str(port.vlan), "interfaces": list(port.interfaces)}
        for port in switch.ports
    ]
    return {**vars(switch), "ports": ports}


def draw(switches: list[SwitchView]) -> None:
    """Print the picture: a tree with a branch for each port, in colour on a terminal."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(highlight=False, soft_wrap=True, width=_WIDE)
    if not switches:
        console.print("no vSwitches on this node")
    for switch in switches:
        draw_switch(console, switch)


def draw_switch(console: Console, switch: SwitchView) -> None:
    """Print one vSwitch."""
    from rich.table import Table
    from rich.text import Text

    heading = Text(switch.name, style="bold")
    heading.append(f"  {switch.datapath_type} datapath", style="dim")
    if switch.fail_mode != "standalone":
        heading.append(f", fail mode {switch.fail_mode}", style="dim")
    console.print(heading)
    table = Table.grid(padding=(0, 2, 0, 0))
    for number, port in enumerate(switch.ports, start=1):
        branch = "└─ " if number == len(switch.ports) else "├─ "
        style = "" if port.ours else "dim"
        good = port.state == "up"
        table.add_row(
            Text(branch + port.name, style=style or "cyan"),
            Text(owner(port), style=style),
            Text(port.port_type, style=style),
            Text(vlans(port), style=style),
            Text(limits(port), style=style),
            Text(
                port.state, style="green" if good else "yellow" if port.state == "down" else "red"
            ),
        )
    console.print(table)


def owner(port: PortView) -> str:
    """Whose port it is."""
    if port.ours:
        return f"{port.instance} NIC {port.nic}"
    if port.bond_mode:
        return f"{port.bond_mode} of {' '.join(port.interfaces)}"
    return "(not a guest of Ganeti's)"


def vlans(port: PortView) -> str:
    """Which VLANs, in words."""
    words = []
    if port.vlan.native is not None:
        words.append(f"untagged {port.vlan.native}")
    elif port.port_type == "access":
        words.append("untagged, no VLAN")
    if port.vlan.trunks:
        words.append("tagged " + " ".join(map(str, port.vlan.trunks)))
    elif port.port_type != "access":
        words.append("all VLANs")
    return ", ".join(words)


def limits(port: PortView) -> str:
    """max_bandwidth; two values where the directions differ."""
    send, receive = (
        format_bits(bits) + "bit/s" if bits else "unlimited"
        for bits in (port.send_limit, port.receive_limit)
    )
    if port.send_limit and not port.policed:
        send = "unlimited (userspace datapath)"
    return send if send == receive else f"sends {send}, receives {receive}"
