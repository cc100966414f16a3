"""gnt-ovs list-nics and list-fields: all guests' NICs of the cluster, wanted and actual."""

from __future__ import annotations

import click

from ganeti_ovs.cli.nicfields import DEFAULT_FIELDS, FIELDS, values
from ganeti_ovs.cli.nodegroup import chosen_groups, full_name, named_node
from ganeti_ovs.cli.options import group_option, node_option
from ganeti_ovs.cli.results import bar
from ganeti_ovs.cli.table import chosen_fields, nice, print_table, table_options
from ganeti_ovs.cluster.inventory import Instance, read_instances, read_networks
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.master.niclist import ListedNic, listed
from ganeti_ovs.master.survey import survey
from ganeti_ovs.model.errors import Error

_HELP = f"""List the NICs of mode openvswitch of all instances, or of those named.

What runs is asked of its node, now; of what does not run, Ganeti's configuration says what it
will be. Where a port is not as it is wanted, both are shown: ".100 (wanted .200)". Exit code 1
if a node does not answer.

Fields: {" ".join(FIELDS)}.
"""


@click.command("list-nics", help=_HELP)
@click.argument("instances", nargs=-1, metavar="[INSTANCE]...")
@group_option
@node_option
@click.option("--problems", is_flag=True, help="Only those that are not as they are wanted.")
@table_options
def list_nics(
    *,
    instances: tuple[str, ...],
    node_group: str | None,
    node: str | None,
    problems: bool,
    output: str | None,
    no_headers: bool,
    separator: str | None,
    as_json: bool,
) -> int:
    """The command; its help is above, with the fields that there are."""
    fields = chosen_fields(output, FIELDS, DEFAULT_FIELDS)
    master = Master()
    cluster = master.read()
    known = read_instances(master, read_networks(master))
    chosen = named_instances(known, instances)
    groups = chosen_groups(cluster, node_group, node)
    seen = survey(master, cluster, groups, named_node(cluster, node), watch=bar)
    nics = [
        nic
        for nic in listed(known, seen.statuses, seen.groups)
        if (not chosen or nic.instance in chosen) and not (problems and nic.as_wanted)
    ]
    nics.sort(key=in_list)
    headers = {field: FIELDS[field].title for field in fields}
    rows = [values(nic, fields) for nic in nics]
    print_table(rows, headers, separator=separator, no_headers=no_headers, as_json=as_json)
    silent = [one for one in seen.asked.values() if one.status is None]
    for one in silent:
        click.echo(f"gnt-ovs: {one.node}: {one.problems[0].line}", err=True)
    return 1 if silent else 0


def in_list(nic: ListedNic) -> tuple[object, ...]:
    """What NICs are sorted by."""
    return nice(nic.instance), nice(nic.index), nic.node


def named_instances(known: tuple[Instance, ...], names: tuple[str, ...]) -> set[str]:
    """The whole names of instances. Raises Error for one that is not there."""
    every = [one.name for one in known]
    return {full_name(every, name, "instance") for name in names}


@click.command("list-fields")
@click.argument("names", nargs=-1, metavar="[FIELD]...")
@table_options
def list_fields(
    *,
    names: tuple[str, ...],
    output: str | None,
    no_headers: bool,
    separator: str | None,
    as_json: bool,
) -> int:
    """List the fields that list-nics knows, or those named."""
    headers = {"name": "Name", "title": "Title", "description": "Description"}
    columns = chosen_fields(output, headers, tuple(headers))
    for name in names:
        if name not in FIELDS:
            raise Error(f"there is no field {name}: {', '.join(FIELDS)}")
    rows = [
        {"name": name, "title": one.title, "description": one.help}
        for name, one in FIELDS.items()
        if not names or name in names
    ]
    print_table(
        rows,
        {column: headers[column] for column in columns},
        separator=separator,
        no_headers=no_headers,
        as_json=as_json,
    )
    return 0
