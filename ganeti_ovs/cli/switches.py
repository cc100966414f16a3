"""gnt-ovs add-switch, modify-switch and remove-switch, on the master."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ganeti_ovs.cli.changed import change
from ganeti_ovs.cli.confirm import confirmed, yes_option
from ganeti_ovs.cli.nodegroup import chosen_group, named_node, rollout
from ganeti_ovs.cli.options import (
    dry_run_option,
    force_option,
    group_option,
    json_option,
    node_option,
)
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.cluster.switchtags import Settings
from ganeti_ovs.master.desired import DesiredSwitches, Proposal, group_proposal, node_proposal
from ganeti_ovs.master.rollout import Rollout
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.model.vswitch import vswitch

Command = Callable[..., Any]


def _each_device(_ctx: Any, _option: Any, given: tuple[str, ...]) -> tuple[str, ...]:
    """Devices, also those that are joined by commas."""
    return tuple(name.strip() for one in given for name in one.split(","))


def settings_options(command: Command) -> Command:
    """An option for every setting of a vSwitch."""
    for name, setting in reversed(SETTINGS.items()):
        if name != "uplinks":
            option = "--" + name.replace("_", "-")
            command = click.option(option, name, metavar="VALUE", help=setting.help)(command)
    uplink = click.option(
        "--uplink",
        "uplinks",
        metavar="DEVICE",
        multiple=True,
        callback=_each_device,
        help=SETTINGS["uplinks"].help,
    )
    return uplink(command)


def _given(options: dict[str, Any]) -> dict[str, str]:
    """The settings among a command's options, as text."""
    found = {name: options[name] for name in SETTINGS if options[name] not in (None, ())}
    if "uplinks" in found:
        found["uplinks"] = "+".join(found["uplinks"])
    if "trunks" in found:
        found["trunks"] = found["trunks"].replace(",", "+")
    return found


def _rollout(group: str | None, node: str | None = None, *, force: bool) -> Rollout:
    master = Master()
    cluster = master.read()
    return rollout(master, cluster, chosen_group(cluster, group, node), force=force)


@click.command("add-switch")
@click.argument("name", metavar="SWITCH")
@group_option
@settings_options
@dry_run_option
@force_option
@json_option
def add_switch(
    *,
    name: str,
    node_group: str | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Give all nodes of a node group a vSwitch.

    A bridge of that name that is there already is taken over as it is, with its
    ports. Nothing is changed if a node says that it cannot be done there.
    """
    way = _rollout(node_group, force=force)
    stored = way.desired.stored.switches
    if name in stored:
        raise Error(
            f"node group {way.desired.group.name} has a vSwitch {name} already;"
            " gnt-ovs modify-switch changes it"
        )
    settings = _given(options)
    vswitch(name, settings)
    after = {**stored, name: settings}
    proposal = group_proposal(way.desired, after, f"add-switch {name}")
    return change(way, proposal, dry_run=dry_run, as_json=as_json)


@click.command("modify-switch")
@click.argument("name", metavar="SWITCH")
@group_option
@node_option
@settings_options
@click.option(
    "--add-uplink", metavar="DEVICE", multiple=True, callback=_each_device, help="One more."
)
@click.option(
    "--remove-uplink", metavar="DEVICE", multiple=True, callback=_each_device, help="One less."
)
@click.option(
    "--reset", metavar="SETTING", multiple=True, help="Back to the default, whoever set it."
)
@dry_run_option
@force_option
@json_option
def modify_switch(
    *,
    name: str,
    node_group: str | None,
    node: str | None,
    add_uplink: tuple[str, ...],
    remove_uplink: tuple[str, ...],
    reset: tuple[str, ...],
    dry_run: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Change a vSwitch on all nodes of its group, or (-n) what differs on one node.

    Guests stay connected. With -n, --reset gives the node back what its group has.
    """
    way = _rollout(node_group, node, force=force)
    node = named_node(way.cluster, node)
    kept = _kept(way.desired, node)
    before = kept.get(name, {})
    of_group = way.desired.stored.switches.get(name, {})
    after = {**before, **_given(options)}
    if add_uplink or remove_uplink:
        now = after.get("uplinks", of_group.get("uplinks", ""))
        after["uplinks"] = _uplinks(now, add_uplink, remove_uplink)
    for setting in reset:
        key = setting.replace("-", "_")
        if key not in SETTINGS:
            raise Error(f"there is no setting {setting}: {', '.join(SETTINGS)}")
        had = after.pop(key, SETTINGS[key].default_text)
        if had == SETTINGS[key].default_text and node is None and key != "uplinks":
            # Nothing that we keep: it is for what somebody else has set.
            after = _with_default(name, after, key)
    _check_modified(way.desired, node, name, after)
    if after.get("uplinks") == "":
        del after["uplinks"]
    if node is None:
        vswitch(name, after)
    proposal = _modified(way, node, {**kept, name: after}, f"modify-switch {name}")
    return change(way, proposal, dry_run=dry_run, as_json=as_json)


def _with_default(name: str, settings: Settings, key: str) -> Settings:
    """The settings with one that is said to have its default, if such a vSwitch can have it."""
    said = {**settings, key: SETTINGS[key].default_text}
    try:
        vswitch(name, said)
    except BadInput:
        return settings
    return said


def _kept(desired: DesiredSwitches, node: str | None) -> dict[str, Settings]:
    """What is kept of the group, or what the node has of its own."""
    return desired.stored.switches if node is None else desired.nodes[node].switches


def _check_modified(desired: DesiredSwitches, node: str | None, name: str, after: Settings) -> None:
    group, before = desired.stored.switches, _kept(desired, node).get(name, {})
    if name not in group and (not before or not after.items() < before.items()):
        # Settings of a node that came from another group can still be taken away.
        raise Error(f"node group {desired.group.name} has no vSwitch {name}")
    if node and after.get("uplinks") == "" and "uplinks" in group.get(name, {}):
        raise Error(f"{node} cannot do without uplinks while its node group has some")


def _modified(way: Rollout, node: str | None, after: dict[str, Settings], what: str) -> Proposal:
    if node is None:
        return group_proposal(way.desired, after, what)
    # A vSwitch of which the node has no settings any more is none of its own.
    own = {name: settings for name, settings in after.items() if settings}
    return node_proposal(way.desired, way.cluster.nodes[node], own, what)


def _uplinks(text: str, add: tuple[str, ...], remove: tuple[str, ...]) -> str:
    names = text.split("+") if text else []
    for name in remove:
        if name not in names:
            raise Error(f"{name} is none of its uplinks: {', '.join(names) or 'there are none'}")
        names.remove(name)
    return "+".join([*names, *add])


@click.command("remove-switch")
@click.argument("name", metavar="SWITCH")
@group_option
@dry_run_option
@force_option
@yes_option
@json_option
def remove_switch(
    *,
    name: str,
    node_group: str | None,
    dry_run: bool,
    force: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Take a vSwitch from all nodes of a node group.

    Refused while a guest uses it; --force cuts that guest off and says so. On a terminal,
    what would go is shown first, and asked for.
    """
    way = _rollout(node_group, force=force)
    stored = way.desired.stored.switches
    if name not in stored:
        raise Error(f"node group {way.desired.group.name} has no vSwitch {name}")
    for node, own in way.desired.nodes.items():
        if name in own.switches:
            raise Error(
                f"node {node} has settings of its own for {name}; first gnt-ovs modify-switch -n"
                f" {node} {name} " + " ".join(f"--reset {s}" for s in own.switches[name])
            )
    rest = {other: settings for other, settings in stored.items() if other != name}
    proposal = group_proposal(way.desired, rest, f"remove-switch {name}")
    question = f"Remove {name} from all nodes of node group {way.desired.group.name}?"
    if not (dry_run or yes or confirmed(way, proposal, question, as_json=as_json)):
        return 1
    return change(way, proposal, dry_run=dry_run, as_json=as_json)
