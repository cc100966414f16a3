"""A change of a NIC's settings: what is to be stored for it, and that it is right.

What Ganeti has a NIC parameter for is stored as that, as parameters go before tags: the VLAN, and
on a Ganeti with `patches/` all of it. The rest are tags by UUID.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.instances import PATCHED
from ganeti_ovs.cluster.nicsources import findings, vlan_by_tags
from ganeti_ovs.cluster.nictags import EVERY, Asked, canonical, tag_change
from ganeti_ovs.cluster.switchtags import TagChange
from ganeti_ovs.model.errors import BadInput, Error

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from ganeti_ovs.cluster.instances import Instance, InstanceNic


@dataclass(frozen=True)
class NicChange:
    """What is to be stored."""

    tags: TagChange
    after: Instance
    """The instance as it will be."""
    params: Mapping[str, str | None] = field(default_factory=dict)
    """Parameters of the NIC; None: back to what the cluster or the network has."""

    @property
    def empty(self) -> bool:
        """True if all is stored already."""
        return not (self.tags.add or self.tags.remove or self.params)


def subject(instance: Instance, which: str) -> str:
    """What a change is about, for people: `web.lab, NIC 0`."""
    if which == EVERY:
        return f"{instance.name}, all NICs"
    return f"{instance.name}, NIC {instance.nic(which).said.index}"


def plan_change(
    instance: Instance,
    which: str,
    asked: Asked,
    *,
    keep: Container[str] = (),
    parameters_reset: bool = False,
) -> NicChange:
    """What makes the settings of the NIC `which` (or of all, by *) what is `asked` for.

    `asked`: in canonical form. `keep`: indices whose tags stay (`tag_change`). `parameters_reset`:
    those that are to be reset have been, and what the NIC still has is its network's. Raises Error
    for a NIC that is not there or not for Open vSwitch, and BadInput if the settings would not be
    right, or not what is asked for.
    """
    if which == EVERY:
        if not any(one.said.mode == "openvswitch" for one in instance.nics):
            raise Error(f"{instance.name} has no NICs of mode openvswitch")
        stored = {setting: text for setting, text in asked.items() if text is not None}
        tags = tag_change(instance.tags, None, [], asked, stored)
        return _checked(instance, which, asked, tags, {})
    nic = instance.nic(which)
    if nic.said.mode != "openvswitch":
        raise Error(f"{subject(instance, which)} has mode {nic.said.mode}, not openvswitch")
    others = [one.key for one in instance.nics if one.said.uuid != nic.said.uuid]
    by_parameter = _by_parameter(instance, nic, asked)
    params = {
        setting: asked[setting]
        for setting in by_parameter
        if _differs(nic, setting, asked[setting], instance.defaults, reset=parameters_reset)
    }
    stored = {
        setting: text
        for setting, text in asked.items()
        if text is not None and setting not in by_parameter
    }
    tags = tag_change(instance.tags, nic.key, others, asked, stored, keep=keep)
    if asked.get("vlan") == "" and "vlan" in by_parameter:
        # An empty parameter says nothing; a tag of lower rank then would.
        after = _after(instance, tags, nic.said.uuid, params)
        if vlan_by_tags(after, after.nic(nic.said.uuid)):
            stored["vlan"] = ""
            tags = tag_change(instance.tags, nic.key, others, asked, stored, keep=keep)
    return _checked(instance, nic.said.uuid, asked, tags, params)


def _by_parameter(instance: Instance, nic: InstanceNic, asked: Asked) -> list[str]:
    """The settings that are stored as parameters. Raises BadInput where a network has its say."""
    found = [setting for setting in asked if instance.patched and setting in PATCHED]
    if "vlan" not in asked:
        return found
    if not nic.network:
        return ["vlan", *found]
    # NOTE: Ganeti gives a NIC in a network the network's own mode, link and VLAN, whatever is said.
    if nic.said.vlan and asked["vlan"] is not None:
        raise BadInput(
            f"{instance.name}, NIC {nic.said.index}: its VLAN {nic.said.vlan} is that of network"
            f" {nic.network}; gnt-instance modify --net {nic.said.index}:network=none,… takes the"
            " NIC out of it"
        )
    return found


def _differs(
    nic: InstanceNic, setting: str, text: str | None, defaults: Mapping[str, str], *, reset: bool
) -> bool:
    """`reset`: it is not to be reset again."""
    own = nic.own.get(setting)
    if text is None:
        # NOTE: with any change of a NIC, Ganeti copies the cluster's parameters into it
        # (_ApplyNicMods in cmdlib/instance_set_params.py).
        return own is not None and not reset and own != defaults.get(setting, "")
    try:
        return own is None or canonical(setting, own) != text
    except BadInput:
        return True


def _after(
    instance: Instance, tags: TagChange, uuid: str, params: Mapping[str, str | None]
) -> Instance:
    changed = instance.with_parameters(uuid, params) if params else instance
    return changed.with_tags((instance.tags - {*tags.remove}) | {*tags.add})


def _checked(
    instance: Instance,
    which: str,
    asked: Asked,
    tags: TagChange,
    params: Mapping[str, str | None],
) -> NicChange:
    """The change, if all NICs that it is about can start with it. Raises BadInput."""
    after = _after(instance, tags, which, params)
    for nic in after.nics:
        mine = which in (EVERY, nic.said.uuid)
        if not mine or nic.said.mode != "openvswitch":
            continue
        about = f"{instance.name}, NIC {nic.said.index}"
        try:
            found = findings(after, nic)
        except BadInput as err:
            raise BadInput(f"{about}: {err}") from err
        for setting, text in asked.items() if which != EVERY else ():
            if text is not None and found[setting].text != text:
                raise BadInput(
                    f"{about}: {setting} would stay {found[setting].text or 'none'}, by"
                    f" {found[setting].source}"
                )
    return NicChange(tags, after, params)
