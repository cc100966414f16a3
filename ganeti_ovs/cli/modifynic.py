"""gnt-ovs modify-nic: settings of a guest's NIC, stored and in effect, on the master."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from ganeti_ovs.cli.nicreport import Report, first_report, show, with_told
from ganeti_ovs.cluster.instances import Instance, Instances
from ganeti_ovs.cluster.nictags import EVERY, Asked, canonical, indices
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.cluster.tags import PARSERS
from ganeti_ovs.linux.ending import Terminated
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

_OFFLINE = "it is offline"
_IN_STORING = "whether it is stored is not known; gnt-ovs info-nic shows it"
_IN_TELLING = "stored, but whether it is in effect is not known; repeat this command"


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
@click.option(
    "--tell", "only_tell", is_flag=True, help="Store nothing; tell the node what Ganeti has of it."
)
@click.option("--dry-run", is_flag=True, help="Say what would be changed, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object, instead.")
def modify_nic(
    *,
    instance: str,
    nic: str,
    reset: tuple[str, ...],
    only_tell: bool,
    dry_run: bool,
    as_json: bool,
    **options: str | None,
) -> int:
    """Change settings of a guest's NIC: an index, a name, a UUID, or * for all of its NICs.

    They are kept as tags with the NIC's UUID, or as NIC parameters where Ganeti has them, and are
    in effect on the running guest when the command ends. Exit code 1 if they are not. --tell is
    for what was changed otherwise, and of which the node has not heard.
    """
    asked = _asked(options, reset, only_tell=only_tell)
    ganeti = Instances()
    name = ganeti.find(instance)
    with lock(runtime(os.environ), name):
        before = ganeti.instance(name)
        which = EVERY if nic == EVERY else before.nic(nic).said.uuid
        change, keep = _planned(ganeti, before, which, asked)
        report = first_report(before, change, which, asked, dry_run=dry_run)
        now = change.after
        if not dry_run:
            with _interruptible(subject(before, which), _IN_STORING):
                now = store(ganeti, before, change, which, asked, keep=keep)
        with _interruptible(subject(now, which), "nothing is changed" if dry_run else _IN_TELLING):
            report = _tell(ganeti, now, which, report)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        show(report)
    if report.error:
        raise Error(f"{subject(now, which)}: {report.error}")
    return 0


def _planned(
    ganeti: Instances, before: Instance, which: str, asked: Asked
) -> tuple[NicChange, set[str]]:
    """The change, and the indices whose tags it leaves as they are.

    Tags by index go only if the node says that no NIC which runs is meant by them that has got
    another index since (`ganeti_ovs.cluster.moved`). By UUID goes before them in any case.
    """
    try:
        change = plan_change(before, which, asked)
        keep = indices(change.tags.remove)
        if keep:
            told = _ask(ganeti, before, dry_run=True)
            keep = keep if told.error else keep & told.moved
            change = plan_change(before, which, asked, keep=keep)
    except BadInput as err:
        raise BadInput(f"{err}; nothing is changed") from err
    return change, keep


@contextmanager
def _interruptible(about: str, left: str) -> Iterator[None]:
    """Who is ended inside says what is `left`, in words."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as err:
        name = "SIGTERM" if isinstance(err, Terminated) else "SIGINT"
        raise Error(f"{about}: was ended by {name}: {left}") from err


def _asked(options: dict[str, str | None], reset: tuple[str, ...], *, only_tell: bool) -> Asked:
    given = {name: options[name] for name in PARSERS}
    asked: Asked = {name: canonical(name, text) for name, text in given.items() if text is not None}
    for word in reset:
        setting = word.replace("-", "_")
        if setting not in PARSERS:
            raise click.UsageError(f"there is no setting {word}: {', '.join(PARSERS)}")
        if setting in asked:
            raise click.UsageError(f"{word} is both set and reset")
        asked[setting] = None
    if asked and only_tell:
        raise click.UsageError("--tell stores nothing: say no setting with it")
    if not asked and not only_tell:
        raise click.UsageError("nothing is to be changed: say a setting, or --reset SETTING")
    return asked


def _tell(ganeti: Instances, now: Instance, which: str, report: Report) -> Report:
    """Tell the instance's node; the same report with what it says."""
    told = _ask(ganeti, now, dry_run=report.dry_run)
    return with_told(report, now, which, told, offline=told.error == _OFFLINE)


def _ask(ganeti: Instances, instance: Instance, *, dry_run: bool) -> Told:
    cluster = ganeti.read()
    if cluster.nodes[instance.node].offline:
        return Told(_OFFLINE)
    command = "gnt-ovs reconcile --news" + " --dry-run" * dry_run
    return tell(ganeti.reach(cluster, instance.node, command), line_for(instance))
