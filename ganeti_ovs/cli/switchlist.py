"""gnt-ovs list-switches and info-switch: what is kept for node groups and nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from ganeti_ovs.cli.options import group_option
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.cluster.switchtags import Settings
from ganeti_ovs.master.desired import group_named, read_desired
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.vswitch import Bond, VSwitch, bond_name, vswitch


@dataclass(frozen=True)
class Kept:
    """One vSwitch of one node group."""

    switch: VSwitch
    group: str
    nodes: tuple[str, ...]
    own: dict[str, Settings]
    """Settings of single nodes."""


def _words(values: tuple[object, ...]) -> str:
    return ",".join(map(str, values)) or "-"


def values(kept: Kept) -> dict[str, str]:
    """Every field of the list, as text; "-" where there is nothing."""
    switch, bond = kept.switch, kept.switch.bond
    flags = {True: "yes", False: "no"}
    return {
        "name": switch.name,
        "group": kept.group,
        "uplinks": _words(switch.uplinks),
        "bond": bond_name(switch.name) if bond else "-",
        "bond_mode": bond.mode if bond else "-",
        "lacp": bond.lacp if bond else "-",
        "lacp_time": bond.lacp_time if bond and bond.lacp != "off" else "-",
        "lacp_fallback": flags[bond.lacp_fallback] if bond and bond.lacp != "off" else "-",
        "bond_updelay": str(bond.updelay) if bond else "-",
        "bond_downdelay": str(bond.downdelay) if bond else "-",
        "bond_primary": (bond.primary if bond else "") or "-",
        "bond_rebalance_interval": _interval(bond),
        "trunks": _words(switch.trunks) if switch.trunks else "all",
        "mtu": str(switch.mtu or "-"),
        "datapath_type": switch.datapath_type,
        "fail_mode": switch.fail_mode,
        "rstp": flags[switch.rstp],
        "mcast_snooping": flags[switch.mcast_snooping],
        "nodes": str(len(kept.nodes)),
        "own": _words(tuple(sorted(kept.own))),
    }


def _interval(bond: Bond | None) -> str:
    if bond is None or bond.rebalance_interval is None:
        return "-"
    return str(bond.rebalance_interval)


FIELDS = tuple(values(Kept(VSwitch("br0"), "", (), {})))
DEFAULT_FIELDS = ("name", "group", "uplinks", "bond_mode", "lacp", "trunks", "mtu", "nodes", "own")
_HEADERS = {"own": "OwnSettings", "mtu": "MTU", "lacp": "LACP"}


def kept_switches(cluster: Cluster, group: str | None) -> Iterator[Kept]:
    """All vSwitches that are kept, by group and name. Raises BadInput for a wrong tag."""
    names = sorted(cluster.groups) if group is None else [group_named(cluster, group).name]
    for name in names:
        desired = read_desired(cluster, cluster.groups[name])
        for switch, settings in sorted(desired.stored.switches.items()):
            own = {
                node: stored.switches[switch]
                for node, stored in desired.nodes.items()
                if switch in stored.switches
            }
            yield Kept(vswitch(switch, settings), name, tuple(sorted(desired.nodes)), own)


def _fields(text: str | None) -> tuple[str, ...]:
    """Field names as in gnt-*: a list joined by commas, with a leading + beside the default."""
    if text is None:
        return DEFAULT_FIELDS
    base = DEFAULT_FIELDS if text.startswith("+") else ()
    chosen = (*base, *text.removeprefix("+").split(","))
    for field in chosen:
        if field not in FIELDS:
            raise Error(f"there is no field {field}: {', '.join(FIELDS)}")
    return chosen


@click.command("list-switches")
@group_option
@click.option("-o", "--output", metavar="FIELDS", help="Joined by commas; +FIELDS: and these.")
@click.option("--no-headers", is_flag=True, help="Without the first line.")
@click.option(
    "--separator", metavar="TEXT", help="Between fields, instead of spaces to align them."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_switches(
    *,
    node_group: str | None,
    output: str | None,
    no_headers: bool,
    separator: str | None,
    as_json: bool,
) -> int:
    """List the vSwitches of all node groups, or of one.

    Fields: name group uplinks bond bond_mode lacp lacp_time lacp_fallback bond_updelay
    bond_downdelay bond_primary bond_rebalance_interval trunks mtu datapath_type fail_mode
    rstp mcast_snooping nodes own.
    """
    fields = _fields(output)
    found = [values(kept) for kept in kept_switches(Master().read(), node_group)]
    if as_json:
        click.echo(json.dumps([{field: row[field] for field in fields} for row in found], indent=2))
        return 0
    rows = [[row[field] for field in fields] for row in found]
    if not no_headers:
        heads = [_HEADERS.get(f, f.replace("_", " ").title().replace(" ", "")) for f in fields]
        rows.insert(0, heads)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        if separator is None:
            line = " ".join(
                word.ljust(width) for word, width in zip(row, widths, strict=True)
            ).rstrip()
        else:
            line = separator.join(row)
        click.echo(line)
    return 0


@click.command("info-switch")
@click.argument("name", metavar="SWITCH")
@group_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def info_switch(*, name: str, node_group: str | None, as_json: bool) -> int:
    """Show all settings of a vSwitch, and what single nodes have of their own."""
    found = [
        kept for kept in kept_switches(Master().read(), node_group) if kept.switch.name == name
    ]
    if not found:
        where = f"node group {node_group}" if node_group else "no node group"
        raise Error(f"{where} has {'no' if node_group else 'a'} vSwitch {name}")
    if as_json:
        data = [{**values(kept), "nodes": kept.nodes, "own": kept.own} for kept in found]
        click.echo(json.dumps(data, indent=2))
        return 0
    for kept in found:
        for field, text in values(kept).items():
            if field not in ("nodes", "own"):
                click.echo(f"{'' if field == 'name' else '  '}{field}: {text}")
        click.echo(f"  nodes: {', '.join(kept.nodes)}")
        for node, settings in sorted(kept.own.items()):
            words = ", ".join(f"{setting}={text}" for setting, text in settings.items())
            click.echo(f"  own settings of {node}: {words}")
    return 0
