"""A change from the first look at the nodes to the last: what was done, what got worse by it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from ganeti_ovs.cli.problems import in_order, problem_line
from ganeti_ovs.cli.results import as_data, bar, said, said_of_change
from ganeti_ovs.cli.table import nice
from ganeti_ovs.cluster.master import Cluster
from ganeti_ovs.master.aftermath import PATIENCE, SETTLE, look_again, shows_late
from ganeti_ovs.master.desired import Proposal, group_named
from ganeti_ovs.master.ports import Ports, reconcile_ports
from ganeti_ovs.master.rollout import Result, Rollout
from ganeti_ovs.master.survey import Survey, survey
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.model.status import Problem

Worse = Mapping[str, list[Problem]]


def change(way: Rollout, proposal: Proposal, *, dry_run: bool, as_json: bool) -> int:
    """Ask the nodes, store it, carry it to them, and look what it has made worse; exit code."""
    if dry_run:
        return said_of_change(way.change(proposal, dry_run=True), as_json=as_json)
    before: list[Survey] = []
    result = way.change(
        proposal, agreed=lambda: before.append(_look(way, way.cluster, proposal.node))
    )
    if result.asked:  # One has refused, so nothing was changed.
        return said_of_change(result, as_json=as_json)
    code = 0 if as_json else said(result, as_json=False)
    worse = _looked_again(way, proposal.node, before[0], result)
    if as_json:
        click.echo(json.dumps({**as_data(result), "worse": worse_data(worse)}))
        code = 1 if result.failed else 0
    else:
        _show_worse(worse)
    return 1 if worse else code


def apply(way: Rollout, node: str | None, *, dry_run: bool, as_json: bool) -> int:
    """Bring the nodes what is kept for them, and their guests' ports; exit code."""
    before = None if dry_run else _look(way, way.cluster, node)
    result = way.ask(node) if dry_run else way.bring(node)
    if not as_json:
        said(result, as_json=False)
    ports = _ports(way, result, dry_run=dry_run)
    if not as_json:
        _show_ports(ports, dry_run=dry_run)
    worse = _looked_again(way, node, before, result) if before else {}
    if as_json:
        data = {**as_data(result), "ports": [vars(one) for one in ports.values()]}
        click.echo(json.dumps({**data, "worse": worse_data(worse)}))
    else:
        _show_worse(worse)
    wrong = result.failed or worse or any(one.problems for one in ports.values())
    return 1 if wrong else 0


def worse_data(worse: Worse) -> list[dict[str, object]]:
    """What got worse, as it stands in --json."""
    return [
        {"where": where, **to_plain(one)}
        for where in sorted(worse)
        for one in in_order(worse[where])
    ]


def _look(
    way: Rollout,
    cluster: Cluster,
    node: str | None,
    judged: Mapping[str, str | None] | None = None,
) -> Survey:
    """How the nodes are that the change is about."""
    group = group_named(cluster, way.desired.group.name).name
    return survey(way.master, cluster, [group], node, watch=bar, judged=judged)


def _looked_again(way: Rollout, node: str | None, before: Survey, result: Result) -> Worse:
    """What is wrong now and was not before. Nodes that have failed must be as they were."""
    judged = {name: text for name, text in before.documents.items() if name in result.failed}
    patience = 0 if result.failed else PATIENCE
    late = any(shows_late(one.answer.changes) for one in result.outcomes.values())
    settle = min(SETTLE, patience) if late else 0
    try:
        found = look_again(
            before, lambda: _look(way, way.master.read(), node, judged), patience, settle
        )
    except Error as err:
        raise Error(f"{err}; the change is made, how the nodes are now: gnt-ovs verify") from err
    # What the result says of a node that did not answer is not said again.
    return {
        where: some
        for where, some in found.items()
        if where not in result.failed or any(one.kind != "no-status" for one in some)
    }


def _ports(way: Rollout, result: Result, *, dry_run: bool) -> dict[str, Ports]:
    """Of the nodes that have answered, whatever became of their vSwitches."""
    nodes = [name for name, one in result.outcomes.items() if one.done or one.answer.error]
    with bar("reconciling", len(nodes)) as told:
        return reconcile_ports(
            nodes, lambda *to: way.master.reach(way.cluster, *to), dry_run=dry_run, told=told
        )


def _show_ports(ports: Mapping[str, Ports], *, dry_run: bool) -> None:
    """Node after node: what was done to guests' ports; nothing of those where nothing was."""
    for node in sorted(ports, key=nice):
        one = ports[node]
        if one.done or one.left or one.problems:
            click.echo(f"{node}: guests' ports")
        for line in one.done:
            click.echo(f"  would have {line}" if dry_run else f"  {line}")
        for line in one.left:
            click.echo(f"  left alone: {line}")
        for line in one.problems:
            click.echo("  " + click.style(f"error: {line}", fg="red"))


def _show_worse(worse: Worse) -> None:
    if worse:
        click.echo("worse than before:")
    for where in sorted(worse, key=nice):
        for problem in in_order(worse[where]):
            click.echo(problem_line(f"  {where}", problem))
