"""gnt-ovs add-switch, modify-switch and remove-switch, on the master."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ganeti_ovs.cli.store import Run, chosen_group
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.master.desired import read_wanted
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.model.vswitch import vswitch

Command = Callable[..., Any]

group_option = click.option("-g", "--node-group", metavar="GROUP", help="By default the only one.")
node_option = click.option("-n", "--node", metavar="NODE", help="This node alone.")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show the differences, change nothing."
)
force_option = click.option(
    "--force", is_flag=True, help="Also where it can cut off guests or the node itself."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, an object a line, instead."
)


def settings_options(command: Command) -> Command:
    """An option for every setting of a vSwitch."""
    for name, setting in reversed(SETTINGS.items()):
        if name != "uplinks":
            option = "--" + name.replace("_", "-")
            command = click.option(option, name, metavar="VALUE", help=setting.help)(command)
    uplink = click.option(
        "--uplink", "uplinks", metavar="DEVICE", multiple=True, help=SETTINGS["uplinks"].help
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


def _run(group: str | None, dry_run: bool, force: bool, as_json: bool) -> Run:
    master = Master()
    cluster = master.read()
    wanted = read_wanted(cluster, chosen_group(cluster, group))
    return Run(master, cluster, wanted, dry_run, force, as_json)


def group_of(cluster: Cluster, node: str, group: str | None) -> str:
    """The node's group, which must be `group` if that is given."""
    if node not in cluster.nodes:
        raise Error(f"there is no node {node}")
    found = cluster.nodes[node].group
    if group not in (None, found):
        raise Error(f"node {node} is in node group {found}, not {group}")
    return found


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
    run = _run(node_group, dry_run, force, as_json)
    stored = run.wanted.stored.switches
    if name in stored:
        raise Error(
            f"node group {run.wanted.group.name} has a vSwitch {name} already;"
            " gnt-ovs modify-switch changes it"
        )
    settings = _given(options)
    vswitch(name, settings)
    return run.change_group({**stored, name: settings}, f"add-switch {name}")


@click.command("modify-switch")
@click.argument("name", metavar="SWITCH")
@group_option
@node_option
@settings_options
@click.option("--add-uplink", metavar="DEVICE", multiple=True, help="One more.")
@click.option("--remove-uplink", metavar="DEVICE", multiple=True, help="One less.")
@click.option("--reset", metavar="SETTING", multiple=True, help="Back to the default.")
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
    master = Master()
    cluster = master.read()
    if node is not None:
        node_group = group_of(cluster, node, node_group)
    wanted = read_wanted(cluster, chosen_group(cluster, node_group))
    run = Run(master, cluster, wanted, dry_run, force, as_json)
    kept = wanted.nodes[node].switches if node else wanted.stored.switches
    before = dict(kept.get(name, {}))
    of_group = wanted.stored.switches.get(name, {})
    whole = {**of_group, **before}
    after = {**before, **_given(options)}
    if add_uplink or remove_uplink:
        after["uplinks"] = _uplinks(
            after.get("uplinks", whole.get("uplinks", "")), add_uplink, remove_uplink
        )
    for setting in reset:
        key = setting.replace("-", "_")
        if key not in SETTINGS:
            raise Error(f"there is no setting {setting}: {', '.join(SETTINGS)}")
        after.pop(key, None)
    if name not in wanted.stored.switches and (not before or not after.items() < before.items()):
        # Settings of a node that came from another group can still be taken away.
        raise Error(f"node group {wanted.group.name} has no vSwitch {name}")
    if after.get("uplinks") == "":
        if node and "uplinks" in of_group:
            raise Error(f"{node} cannot do without uplinks while its node group has some")
        del after["uplinks"]
    if node is None:
        vswitch(name, after)
    what = f"modify-switch {name}"
    if node is None:
        return run.change_group({**kept, name: after}, what)
    rest = {other: settings for other, settings in kept.items() if other != name}
    return run.change_node(cluster.nodes[node], {**rest, **({name: after} if after else {})}, what)


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
@json_option
def remove_switch(
    *, name: str, node_group: str | None, dry_run: bool, force: bool, as_json: bool
) -> int:
    """Take a vSwitch from all nodes of a node group.

    Refused while a guest uses it; --force cuts that guest off and says so.
    """
    run = _run(node_group, dry_run, force, as_json)
    stored = run.wanted.stored.switches
    if name not in stored:
        raise Error(f"node group {run.wanted.group.name} has no vSwitch {name}")
    for node, own in run.wanted.nodes.items():
        if name in own.switches:
            raise Error(
                f"node {node} has settings of its own for {name}; first gnt-ovs modify-switch -n"
                f" {node} {name} " + " ".join(f"--reset {s}" for s in own.switches[name])
            )
    rest = {other: settings for other, settings in stored.items() if other != name}
    return run.change_group(rest, f"remove-switch {name}")
