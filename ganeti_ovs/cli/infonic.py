"""gnt-ovs info-nic: settings of a guest's NICs, and where each comes from, on the master."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

import click

from ganeti_ovs.cluster.instances import Instance, InstanceNic, Instances
from ganeti_ovs.cluster.nicsources import Finding, findings, nobodys
from ganeti_ovs.model.errors import BadInput

_EMPTY = {"max_bandwidth": "unlimited", "max_burst": "by the rate"}
"""What 0 stands for."""


def shown_value(setting: str, text: str) -> str:
    """A setting's value in its canonical form, for people."""
    return _EMPTY.get(setting, text) if text == "0" else text or "none"


@dataclass(frozen=True)
class Shown:
    """What is to be said of a NIC."""

    instance: str
    index: str
    uuid: str
    name: str
    mac: str
    mode: str
    link: str
    network: str
    node: str
    """The instance's primary node."""
    settings: dict[str, Finding] = field(default_factory=dict)
    """Empty if it is not for Open vSwitch, or they are wrong."""
    error: str = ""
    """Why they are wrong."""


@click.command("info-nic")
@click.argument("instance", metavar="INSTANCE")
@click.argument("nic", metavar="[NIC]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list, instead of lines.")
def info_nic(*, instance: str, nic: str | None, as_json: bool) -> int:
    """Show the settings that a guest's NICs are to have, or one of them, and who says so.

    What is said, but not used as something else goes before it, is shown, too. Exit code 1 if
    settings are wrong: the guest would not start.
    """
    ganeti = Instances()
    found = ganeti.instance(ganeti.find(instance))
    nics = found.nics if nic is None else (found.nic(nic),)
    shown = [_shown(found, one) for one in nics]
    lost = nobodys(found)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in shown], indent=2))
    else:
        for one in shown:
            _show(one)
    for tag in lost:
        click.echo(f"warning: {found.name} has no NIC that tag {tag} could mean", err=True)
    return 1 if any(one.error for one in shown) else 0


def _shown(instance: Instance, nic: InstanceNic) -> Shown:
    said = nic.said
    settings, error = {}, ""
    if said.mode == "openvswitch":
        try:
            settings = findings(instance, nic)
        except BadInput as err:
            error = str(err)
    return Shown(
        instance.name, said.index, said.uuid, said.name, said.mac, said.mode, said.link,
        nic.network, instance.node, settings, error,
    )  # fmt: skip


def _show(shown: Shown) -> None:
    click.echo(f"{shown.instance}, NIC {shown.index}")
    for name in ("uuid", "name", "mac", "mode", "link", "network", "node"):
        click.echo(f"  {name}: {getattr(shown, name) or '-'}")
    for setting, finding in shown.settings.items():
        click.echo(f"  {setting}: {shown_value(setting, finding.text)} ({finding.source})")
        for word in finding.unused:
            click.echo(f"    not used: {shown_value(setting, word.text)} ({word.source})")
    if shown.error:
        click.echo(f"  {click.style(f'error: {shown.error}', fg='red')}")
