"""gnt-ovs verify: do all nodes have what is kept for them, and does it work?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import click

from ganeti_ovs.cli.nodegroup import chosen_groups, rollout
from ganeti_ovs.cli.options import group_option, node_option
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.master.desired import idle_settings
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.rollout import Result
from ganeti_ovs.master.versions import other_versions
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.plan.health import differences, failures, oddities


@dataclass(frozen=True)
class Report:
    """What is to be said of one node, or (`node` is empty) of a whole group."""

    group: str
    node: str
    offline: bool = False
    drift: tuple[str, ...] = ()
    """What `gnt-ovs apply` would do."""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """True if there are at most warnings."""
        return not (self.drift or self.errors)


@click.command("verify")
@group_option
@node_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def verify(*, node_group: str | None, node: str | None, as_json: bool) -> int:
    """Compare the vSwitches of all nodes with what is kept for them. Changes nothing.

    Also says what is odd though it is as wanted: links that are down, LACP that the other
    side does not speak, MTUs that do not fit, guests' VLANs that do not pass the uplink.
    Exit code 1 if a node differs, is broken or does not answer; not for warnings, nor for
    nodes that are offline.
    """
    master = Master()
    cluster = master.read()
    reports: list[Report] = []
    for name in chosen_groups(cluster, node_group, node):
        try:
            way = rollout(master, cluster, name)
            reports += _of_group(way.ask(node), idle_settings(way.desired))
        except BadInput as err:
            reports.append(Report(name, "", errors=(str(err),)))
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2))
    else:
        for report in reports:
            _show(report)
    return 0 if all(report.good for report in reports) else 1


def _of_group(result: Result, idle: list[str]) -> list[Report]:
    group, outcomes = result.group, result.outcomes
    reports = [_of_node(group, outcome) for outcome in outcomes.values()]
    reports += [Report(group, node, offline=True) for node in result.offline]
    between = (
        *idle,
        *differences({name: one.answer.state for name, one in outcomes.items()}),
        *other_versions({name: one.answer.version for name, one in outcomes.items()}),
    )
    if between:
        reports.append(Report(group, "", warnings=between))
    return reports


def _of_node(group: str, outcome: Outcome) -> Report:
    answer = outcome.answer
    errors = list(filter(None, (outcome.error, answer.odd)))
    errors += failures(answer.state)
    if answer.kept is False:
        errors.append("keeps another description for its next start; gnt-ovs apply")
    return Report(
        group,
        outcome.node,
        drift=outcome.words,
        errors=tuple(errors),
        warnings=(*answer.warnings, *oddities(answer.state)),
    )


def _show(report: Report) -> None:
    name = report.node or f"node group {report.group}"
    if report.offline:
        click.echo(f"{name}: offline, not looked at")
    elif report.good and not report.warnings:
        click.echo(f"{name}: right")
    for line in report.errors:
        click.echo(f"{name}: {click.style('error', fg='red')}: {line}")
    for line in report.drift:
        click.echo(f"{name}: {click.style('differs', fg='red')}, apply would do: {line}")
    for line in report.warnings:
        click.echo(f"{name}: {click.style('warning', fg='yellow')}: {line}")
