"""gnt-ovs list-switches and info-switch: what is kept for node groups and nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from ganeti_ovs.cli.options import group_option
from ganeti_ovs.cli.table import chosen_fields, print_table, table_options
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.cluster.switchtags import Settings
from ganeti_ovs.master.desired import group_named, read_desired
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.settings import SETTINGS, Setting, in_ranges, text_of
from ganeti_ovs.model.vswitch import VSwitch, bond_name, value, vswitch


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


def shown_values(kept: Kept) -> dict[str, str]:
    """Every field of the list, as text; "-" where there is nothing."""
    switch = kept.switch
    found = {name: _shown(switch, setting) for name, setting in SETTINGS.items()}
    return {
        "name": switch.name,
        "group": kept.group,
        "uplinks": found.pop("uplinks"),
        "bond": bond_name(switch.name) if switch.bond else "-",
        **found,
        "nodes": str(len(kept.nodes)),
        "own": _words(tuple(sorted(kept.own))),
    }


def _shown(switch: VSwitch, setting: Setting) -> str:
    bond, has = switch.bond, value(switch, setting)
    if setting.bond_field and (bond is None or (setting.with_lacp and bond.lacp == "off")):
        return "-"
    if has in (None, "", ()):
        return setting.nothing
    if setting.name == "trunks":
        return _words(tuple(in_ranges(has)))
    return _words(has) if isinstance(has, tuple) else text_of(has)


FIELDS = tuple(shown_values(Kept(VSwitch("br0"), "", (), {})))
DEFAULT_FIELDS = ("name", "group", "uplinks", "bond_mode", "lacp", "trunks", "mtu", "nodes", "own")
_HEADERS = {"own": "OwnSettings"} | {
    one.name: one.header for one in SETTINGS.values() if one.header
}


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


_LIST_HELP = f"""List the vSwitches of all node groups, or of one.

Fields: {" ".join(FIELDS)}.
"""


@click.command("list-switches", help=_LIST_HELP)
@group_option
@table_options
def list_switches(
    *,
    node_group: str | None,
    output: str | None,
    no_headers: bool,
    separator: str | None,
    as_json: bool,
) -> int:
    """The command; its help is above, with the fields that there are."""
    fields = chosen_fields(output, FIELDS, DEFAULT_FIELDS)
    found = [shown_values(kept) for kept in kept_switches(Master().read(), node_group)]
    headers = {f: _HEADERS.get(f, f.replace("_", " ").title().replace(" ", "")) for f in fields}
    print_table(found, headers, separator=separator, no_headers=no_headers, as_json=as_json)
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
        data = [{**shown_values(kept), "nodes": kept.nodes, "own": kept.own} for kept in found]
        click.echo(json.dumps(data, indent=2))
        return 0
    for kept in found:
        for field, text in shown_values(kept).items():
            if field not in ("nodes", "own"):
                click.echo(f"{'' if field == 'name' else '  '}{field}: {text}")
        click.echo(f"  nodes: {', '.join(kept.nodes)}")
        for node, settings in sorted(kept.own.items()):
            words = ", ".join(f"{setting}={text}" for setting, text in settings.items())
            click.echo(f"  own settings of {node}: {words}")
    return 0
