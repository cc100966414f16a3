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
from ganeti_ovs.cluster.hook import instance_nics
from ganeti_ovs.cluster.moved import commands, keep_index
from ganeti_ovs.cluster.running import running_nics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.cluster.running import Running

    Environment = dict[str, str]


def moved_indices(event: str, environ: Mapping[str, str]) -> list[str]:
    """Why the operation would give NICs other settings by tags that have their index, in lines.

    Raises BadInput for wrong tags.
    """
    nics = {nic.get("INTERFACE_UUID", ""): nic for nic in instance_nics(environ)}
    if event not in ("instance-modify", "instance-migrate") or not nics:
        return []
    instance = next(iter(nics.values()))["INSTANCE"]
    interfaces = {name: index for index, name in socket.if_nameindex()}
    here = {
        one.nic.get("INTERFACE_UUID", ""): one
        for one in running_nics(environ, interfaces).values()
        if one.instance == instance and one.nic
    }
    if event == "instance-migrate":
        # It would be plugged anew, by its new index, on the node that it goes to.
        plugged = {uuid: _plugged(one) for uuid, one in here.items()}
        return _refused(nics, plugged, "is", "migrate")
    before = Tags(environ).indices(instance)
    if before is None:
        before = {uuid: _plugged(one) for uuid, one in here.items()}
    if not here and environ.get("GANETI_INSTANCE_STATUS") != "down":
        return []  # It may run on the other node, which then knows more.
    gone, new = before.keys() - nics.keys(), nics.keys() - before.keys()
    if here and not gone & here.keys() and new <= here.keys():
        return []  # Hot-plugged already, or nothing comes and goes.
    return _refused(nics, before, "would be", "modify")


def _plugged(one: Running) -> str:
    return one.nic.get("TAGS_INDEX") or one.nic.get("INTERFACE_INDEX", "")


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
        f" it, write them by UUID: {commands(moved[0].get('TAGS', ''), moved)}"
    ]
