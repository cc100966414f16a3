"""Before an operation: would tags by index come to mean another NIC?

Ganeti tells a hook the NICs as they will be, not as they were. They were as Ganeti's
configuration has them, where this node has a copy, else as the guest's NICs were plugged here.

NOTE: by hot-plugging, Ganeti 3.0 and 3.1 unplug and plug before they ask (CheckPrereq of
LUInstanceSetParams). Refusing then would leave a guest without a NIC that its configuration
has, so it is the hook afterwards that says what is wrong; NICs that run keep what they have.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.hook import instance_nics, is_here
from ganeti_ovs.cluster.moved import commands, keep_index
from ganeti_ovs.node.running import running_nics

if TYPE_CHECKING:
    from collections.abc import Mapping

    Environment = dict[str, str]


def moved_indices(event: str, environ: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Why the operation would give NICs other settings by tags that have their index, in lines.

    `here`: what `plugged_here` says. Raises BadInput for wrong tags.
    """
    nics = {nic.get("INTERFACE_UUID", ""): nic for nic in instance_nics(environ)}
    if event == "instance-migrate":
        # It would be plugged anew, by its new index, on the node that it goes to.
        return _refused(nics, here, "is", "migrate")
    if event != "instance-modify" or not nics:
        return []
    before = _configured(environ) or dict(here)
    if not here and not _stands_still(environ):
        return []  # It may run on the other node, which then knows more.
    gone, new = before.keys() - nics.keys(), nics.keys() - before.keys()
    if here and not gone & here.keys() and new <= here.keys():
        return []  # Hot-plugged already, or nothing comes and goes.
    return _refused(nics, before, "would be", "modify")


def plugged_here(environ: Mapping[str, str]) -> dict[str, str]:
    """UUID -> the index by which tags mean it, of the hook's instance's NICs that run here."""
    nics = instance_nics(environ)
    if not nics:
        return {}
    interfaces = {name: index for index, name in socket.if_nameindex()}
    return {
        one.nic.get("INTERFACE_UUID", ""): one.nic.get("TAGS_INDEX")
        or one.nic.get("INTERFACE_INDEX", "")
        for one in running_nics(environ, interfaces).values()
        if one.instance == nics[0]["INSTANCE"] and one.nic
    }


def kept_indices(event: str, environ: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """UUID -> the index by which tags mean a NIC that (as far as is known here) goes on running."""
    elsewhere = event == "instance-modify" and not _stands_still(environ)
    return {**(_configured(environ) if elsewhere else {}), **here}


def _stands_still(environ: Mapping[str, str]) -> bool:
    """True if the guest, of which nothing runs here, runs nowhere: also one that has crashed."""
    primary = environ.get("GANETI_INSTANCE_PRIMARY", "")
    return environ.get("GANETI_INSTANCE_STATUS") == "down" or is_here([primary])


def _configured(environ: Mapping[str, str]) -> dict[str, str]:
    """UUID -> index, as Ganeti's configuration has the hook's instance; empty if not known."""
    nics = instance_nics(environ)
    return (Tags(environ).indices(nics[0]["INSTANCE"]) if nics else None) or {}


def _refused(
    nics: Mapping[str, Environment], before: Mapping[str, str], verb: str, what: str
) -> list[str]:
    moved = []
    for uuid, nic in nics.items():
        current = dict(nic)
        if uuid in before and keep_index(current, before[uuid]):
            moved.append(current)
    if not moved:
        return []
    words = ", ".join(
        f"NIC {nic['TAGS_INDEX']} {verb} NIC {nic['INTERFACE_INDEX']}" for nic in moved
    )
    return [
        f"{moved[0]['INSTANCE']}: {words}, and tags by index mean another NIC; before you {what}"
        f" it, write them by UUID: {commands(moved)}"
    ]
