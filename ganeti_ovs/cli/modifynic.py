"""gnt-ovs modify-nic: settings of a guest's NIC, stored and in effect, on the master."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from ganeti_ovs.cli.infonic import shown_value
from ganeti_ovs.cluster.instances import Instance, Instances
from ganeti_ovs.cluster.nicsources import Finding, findings
from ganeti_ovs.cluster.nictags import EVERY, Asked, canonical
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.cluster.tags import PARSERS
from ganeti_ovs.master.nicchange import NicChange, plan_change, subject
from ganeti_ovs.master.nicmodify import lock, store
from ganeti_ovs.master.nictelling import Told, line_for, tell
from ganeti_ovs.model.errors import BadInput, Error

_HELP = {
    "vlan": ".5 (access), :10:20 (trunk), .2:10:20 (hybrid), none.",
    "port_type": "access, trunk or hybrid.",
    "max_bandwidth": "bit/s in each direction: 500k, 100M, 1.5G; 0: unlimited.",
    "max_burst": "bit: 500k, 8M; 0: chosen from max-bandwidth.",
}


@dataclass(frozen=True)
class Report:
    """What came of it."""

    instance: str
    nic: str
    """Its index; * for all."""
    uuid: str
    node: str
    dry_run: bool
    changes: dict[str, dict[str, str]]
    """Setting -> old, new and source, of what is asked for; not of all NICs."""
    stored: dict[str, Any]
    """What changes in Ganeti's configuration: tags that are removed and added, parameters."""
    in_effect: bool | None = None
    """True only if ovs-vswitchd has said so; None if there is nothing to be in effect for."""
    error: str = ""
    """Why it is not in effect."""
    done: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(PARSERS):
        option = "--" + name.replace("_", "-")
        command = click.option(option, name, metavar="VALUE", help=_HELP[name])(command)
    return command


@click.command("modify-nic")
@click.argument("instance", metavar="INSTANCE")
@click.argument("nic", metavar="NIC")
@_settings_options
@click.option(
    "--reset", metavar="SETTING", multiple=True, help="Back to what it is without this NIC's own."
)
@click.option("--dry-run", is_flag=True, help="Say what would be changed, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object, instead.")
def modify_nic(
    *,
    instance: str,
    nic: str,
    reset: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **options: str | None,
) -> int:
    """Change settings of a guest's NIC: an index, a name, a UUID, or * for all of its NICs.

    They are kept as tags with the NIC's UUID, or as NIC parameters where Ganeti has them, and are
    in effect on the running guest when the command ends. Exit code 1 if they are not.
    """
    asked = _asked(options, reset)
    ganeti = Instances()
    name = ganeti.find(instance)
    with lock(runtime(os.environ), name):
        before = ganeti.instance(name)
        which = EVERY if nic == EVERY else before.nic(nic).said.uuid
        try:
            change = plan_change(before, which, asked)
        except BadInput as err:
            raise BadInput(f"{err}; nothing is changed") from err
        report = _report(before, change, which, asked, dry_run)
        now = change.after if dry_run else store(ganeti, before, change, which, asked)
        report = _told(ganeti, now, which, report)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        _show(report)
    if report.error:
        raise Error(f"{subject(now, which)}: {report.error}")
    return 0


def _asked(options: dict[str, str | None], reset: tuple[str, ...]) -> Asked:
    given = {name: options[name] for name in PARSERS}
    asked: Asked = {name: canonical(name, text) for name, text in given.items() if text is not None}
    for word in reset:
        setting = word.replace("-", "_")
        if setting not in PARSERS:
            raise click.UsageError(f"there is no setting {word}: {', '.join(PARSERS)}")
        if setting in asked:
            raise click.UsageError(f"{word} is both set and reset")
        asked[setting] = None
    if not asked:
        raise click.UsageError("nothing is to be changed: say a setting, or --reset SETTING")
    return asked


def _report(before: Instance, change: NicChange, which: str, asked: Asked, dry_run: bool) -> Report:
    changes = {}
    if which != EVERY:
        old, new = _found(before, which), findings(change.after, change.after.nic(which))
        for setting in asked:
            now = new[setting]
            was = old[setting].text if old else "?"
            changes[setting] = {"old": was, "new": now.text, "source": now.source}
    kept = _kept(change.after, asked) if which == EVERY else ()
    return Report(
        before.name,
        EVERY if which == EVERY else before.nic(which).said.index,
        "" if which == EVERY else which,
        before.node,
        dry_run,
        changes,
        {
            "remove_tags": change.tags.remove,
            "add_tags": change.tags.add,
            "parameters": change.params,
        },
        warnings=tuple(kept),
    )


def _kept(after: Instance, asked: Asked) -> Iterator[str]:
    """NICs that what is said of all of them does not reach."""
    for nic in after.nics:
        if nic.said.mode != "openvswitch":
            continue
        found = findings(after, nic)
        for setting, text in asked.items():
            one = found[setting]
            if text is not None and one.text != text:
                value = shown_value(setting, one.text)
                yield f"NIC {nic.said.index} keeps its {setting} {value}, by {one.source}"


def _found(instance: Instance, which: str) -> dict[str, Finding] | None:
    """None if the settings are wrong."""
    try:
        return findings(instance, instance.nic(which))
    except BadInput:
        return None


def _told(ganeti: Instances, now: Instance, which: str, report: Report) -> Report:
    """The same with what its node says of it."""
    cluster = ganeti.read()
    node = cluster.nodes[now.node]
    if node.offline:
        told = Told("it is offline")
    else:
        command = "gnt-ovs reconcile --news" + " --dry-run" * report.dry_run
        told = tell(ganeti.reach(cluster, now.node, command), line_for(now))
    report = replace(report, node=now.node, done=told.done)
    others = (*report.warnings, *(f"{now.node}: {line}" for line in told.problems))
    if report.dry_run:
        failed = (f"{now.node} cannot be asked: {told.error}",) if told.error else ()
        return replace(report, warnings=(*failed, *others))
    if told.nics is None:
        if not now.up and node.offline:
            return report
        return replace(report, in_effect=False, error=_not_in_effect(now.node, told.error))
    mine = [told.nics[uuid] for uuid in told.nics if which in (EVERY, uuid)]
    running = [one for one in mine if one.tap]
    wrong = [f"{one.tap}: {one.problem}" for one in running if one.problem]
    warnings = tuple(f"{now.node}: {one.tap}: {one.warning}" for one in running if one.warning)
    if wrong:
        error = _not_in_effect(now.node, "; ".join(wrong))
        return replace(report, in_effect=False, error=error, warnings=(*warnings, *others))
    if not running:
        return replace(report, warnings=others)
    return replace(report, in_effect=True, warnings=(*warnings, *others))


def _not_in_effect(node: str, why: str) -> str:
    return f"stored, but not in effect on {node}: {why}; repeat this command when that is put right"


def _show(report: Report) -> None:
    about = (
        f"{report.instance}, NIC {report.nic}" if report.uuid else f"{report.instance}, all NICs"
    )
    for setting, one in report.changes.items():
        old, new = shown_value(setting, one["old"]), shown_value(setting, one["new"])
        arrow = f"{old} -> {new}" if old != new else f"{new}, as before"
        click.echo(f"{about}: {setting} {arrow} ({one['source']})")
    would = "would have " if report.dry_run else ""
    for verb, tags in (("removed", "remove_tags"), ("added", "add_tags")):
        for tag in report.stored[tags]:
            click.echo(f"  {would}{verb} tag {tag}")
    for line in report.done:
        click.echo(f"  {report.node}: {would}{line}")
    for line in report.warnings:
        click.echo(f"  {click.style(f'warning: {line}', fg='yellow')}")
    if report.in_effect:
        click.echo(f"{about}: in effect on {report.node}")
    elif not (report.dry_run or report.error):
        click.echo(
            f"{about}: stored; it does not run on {report.node}, and has it from its next start"
        )
