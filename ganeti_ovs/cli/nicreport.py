"""What came of gnt-ovs modify-nic: in Ganeti's configuration, and on the guest's node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import click

from ganeti_ovs.cli.infonic import shown_value
from ganeti_ovs.cluster.instances import Instance
from ganeti_ovs.cluster.nicsources import Finding, findings
from ganeti_ovs.cluster.nictags import EVERY, Asked
from ganeti_ovs.master.nicchange import NicChange
from ganeti_ovs.master.nictelling import OfNic, Told
from ganeti_ovs.model.errors import BadInput

_REPEAT = "repeat this command when that is put right"


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
    """True only if ovs-vswitchd and the kernel have said so; None if it does not run, or if that is
    not known: `error` says why, then.
    """
    error: str = ""
    """Why it is not in effect, or not known to be."""
    answered: bool = True
    """Whether the node has said what of it runs there."""
    done: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def first_report(
    before: Instance, change: NicChange, which: str, asked: Asked, *, dry_run: bool
) -> Report:
    """What is (to be) stored, before the node has been told."""
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


def with_told(report: Report, now: Instance, which: str, told: Told, *, offline: bool) -> Report:
    """The same with what the instance's node says of it; `offline`: it was not even asked."""
    report = replace(report, node=now.node, done=told.done, answered=not told.error)
    others = (
        *report.warnings,
        *(f"{now.node}: {line}" for line in (*told.warnings, *told.problems)),
    )
    if report.dry_run:
        failed = (f"{now.node} cannot be asked: {told.error}",) if told.error else ()
        return replace(report, warnings=(*failed, *others))
    if told.error and not now.up:
        # Ganeti does not want it to run, and who cannot be asked does not run it, as a rule.
        asked = () if offline else (f"{now.node} cannot be asked: {told.error}",)
        return replace(report, warnings=(*asked, *others))
    mine = _mine(now, which, told)
    warnings = tuple(f"{now.node}: {one.tap}: {one.warning}" for one in mine if one.warning)
    report = replace(report, warnings=(*warnings, *others))
    wrong = [f"{one.tap}: {one.problem}" for one in mine if one.tap and one.problem]
    unknown = told.error or ("" if mine else "its answer says nothing of the NIC")
    if unknown:
        error = f"stored; whether it is in effect on {now.node} is not known: {unknown}; {_REPEAT}"
        return replace(report, error=error)
    if wrong:
        error = f"stored, but not in effect on {now.node}: {'; '.join(wrong)}; {_REPEAT}"
        return replace(report, in_effect=False, error=error)
    return replace(report, in_effect=True if any(one.tap for one in mine) else None)


def _mine(now: Instance, which: str, told: Told) -> list[OfNic]:
    """What the node has said of the NICs that were changed; nothing unless it is of all."""
    nics = [one.said for one in now.nics if one.said.mode == "openvswitch"]
    asked = [one.uuid for one in nics if which in (EVERY, one.uuid)]
    said = told.nics or {}
    return [said[uuid] for uuid in asked] if said.keys() >= {*asked} else []


def show(report: Report) -> None:
    """For people; why it is not in effect is said by who raises it."""
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
        runs = f"does not run on {report.node}" if report.answered else "is not to run"
        click.echo(f"{about}: stored; it {runs}, and has it from its next start")
