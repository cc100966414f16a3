"""gnt-ovs verify: are all nodes' vSwitches and guests' ports as they are wanted, and alive?"""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from ganeti_ovs.cli.nodegroup import chosen_groups, named_node
from ganeti_ovs.cli.options import group_option, node_option
from ganeti_ovs.cli.problems import in_order, problem_line
from ganeti_ovs.cli.results import bar
from ganeti_ovs.cli.table import nice
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.master.beside import beside
from ganeti_ovs.master.survey import Survey, survey
from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.model.status import FORMAT, NicState, NodeStatus, Problem, Severity

Problems = Mapping[str, tuple[Problem, ...]]


@click.command("verify")
@group_option
@node_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the whole statuses.")
def verify(*, node_group: str | None, node: str | None, as_json: bool) -> int:
    """Ask all nodes how their vSwitches and guests' ports are. Changes nothing.

    Looks at what is kept for them, at Open vSwitch's database, at what ovs-vswitchd and the
    kernel do, at what Ganeti has of the guests' NICs, and at the tags of all instances, also of
    those that do not run; with -g or -n, of those on these nodes. Exit code 1 for errors: what
    differs, does not work, or does not answer. What works with less than is wanted is a warning.
    Nodes that are offline are named and not asked.
    """
    master = Master()
    cluster = master.read()
    groups = chosen_groups(cluster, node_group, node)
    seen = survey(master, cluster, groups, named_node(cluster, node), watch=bar)
    problems = dict(seen.problems)
    whole = node_group is None and node is None
    for where, some in beside(master, cluster, seen, whole=whole).items():
        problems[where] = (*problems.get(where, ()), *some)
    if as_json:
        click.echo(json.dumps(as_data(seen, problems), indent=2))
    else:
        show(seen, problems)
    return 1 if errors(problems) else 0


def errors(problems: Problems) -> bool:
    """Whether there is more than warnings."""
    return any(one.severity == Severity.ERROR for some in problems.values() for one in some)


def show(seen: Survey, problems: Problems) -> None:
    """A line for each problem, and for each node that has none."""
    for node in sorted(seen.groups, key=nice):
        status = seen.asked[node].status if node in seen.asked else None
        if status is None and node in seen.offline:
            click.echo(f"{node}: offline, not asked")
        elif status is not None and not problems[node]:
            click.echo(f"{node}: right ({looked_at(status)})")
        for problem in in_order(problems.get(node, ())):
            click.echo(problem_line(node, problem))
    for where in sorted(problems.keys() - seen.groups.keys(), key=nice):
        for problem in in_order(problems[where]):
            click.echo(problem_line(where, problem))


def looked_at(status: NodeStatus) -> str:
    """How much was asked, in words."""
    if status.daemon is None:
        return "no Open vSwitch, and nothing that needs it"
    if not status.daemon.alive:
        return "Open vSwitch does not run, and nothing needs it"
    nics = [one for one in status.nics if one.state not in (NicState.STOCK, NicState.NO_GUEST)]
    stock = sum(one.state == NicState.STOCK for one in status.nics)
    words = [counted(len(status.switches), "vSwitch", "vSwitches")]
    words.append(counted(len(nics), "guest's port", "guests' ports"))
    if stock:
        words.append(f"{stock} attached by Ganeti without us")
    return ", ".join(words)


def counted(count: int, one: str, several: str) -> str:
    """A number of something."""
    return f"{count} {one if count == 1 else several}"


def as_data(seen: Survey, problems: Problems) -> dict[str, object]:
    """The whole of it as it stands in --json."""
    nodes = [
        {
            "node": node,
            "group": seen.groups[node],
            "offline": node in seen.offline,
            "problems": [to_plain(one) for one in in_order(problems.get(node, ()))],
            "status": to_plain(seen.asked[node].status) if node in seen.asked else None,
        }
        for node in sorted(seen.groups, key=nice)
    ]
    between = [
        {"where": where, **to_plain(one)}
        for where in sorted(problems.keys() - seen.groups.keys(), key=nice)
        for one in in_order(problems[where])
    ]
    return {"format": FORMAT, "right": not errors(problems), "nodes": nodes, "problems": between}
