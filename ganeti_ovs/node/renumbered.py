"""Before an operation: would tags by index come to mean another NIC?

Ganeti tells a hook the NICs as they will be, not as they were. They were as Ganeti's
configuration has them, where this node has a copy, else as the guest's NICs were plugged here.

NOTE: by hot-plugging, Ganeti 3.0 and 3.1 unplug and plug before they ask (CheckPrereq of
LUInstanceSetParams). Refusing then would leave a guest without a NIC that its configuration
has, so it is the hook afterwards that says what is wrong; NICs that run keep what they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.moved import commands, keep_index
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.node.running import running_nics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime


def check(
    here: Runtime, event: str, nics: Sequence[NicSettings], *, still: bool
) -> tuple[list[str], dict[str, str]]:
    """What is wrong with the operation, in lines, and which indices are kept.

    Wrong is what would give NICs other settings by tags that have their index. The latter: UUID ->
    the index by which tags mean a NIC that (as far as is known here) goes on running. `nics` are
    the guest's as they will be, at least one; `still`: if nothing of it runs here, it runs nowhere.
    """
    instance = nics[0].instance
    plugged = _plugged(here, instance)
    modified = event == "instance-modify"
    configured = (Tags(here).indices(instance) if modified else None) or {}
    try:
        problems = _moved(event, nics, plugged, configured or plugged, still=still)
    except BadInput:
        problems = []  # It is said of the NIC that it is about.
    return problems, {**({} if still else configured), **plugged}


def _moved(
    event: str,
    nics: Sequence[NicSettings],
    plugged: Mapping[str, str],
    before: Mapping[str, str],
    *,
    still: bool,
) -> list[str]:
    if event == "instance-migrate":
        # It would be plugged anew, by its new index, on the node that it goes to.
        return _refused(nics, plugged, "is", "migrate")
    if not plugged and not still:
        return []  # It may run on the other node, which then knows more.
    after = {nic.uuid for nic in nics}
    gone, new = before.keys() - after, after - before.keys()
    if plugged and not gone & plugged.keys() and new <= plugged.keys():
        return []  # Hot-plugged already, or nothing comes and goes.
    return _refused(nics, before, "would be", "modify")


def _plugged(here: Runtime, instance: str) -> dict[str, str]:
    """UUID -> the index by which tags mean it, of the guest's NICs that run here."""
    return {
        one.nic.uuid: one.nic.tags_index or one.nic.index
        for one in running_nics(here, interfaces()).values()
        if one.instance == instance and one.nic is not None
    }


def _refused(
    nics: Sequence[NicSettings], before: Mapping[str, str], verb: str, what: str
) -> list[str]:
    known = [keep_index(nic, before[nic.uuid]) for nic in nics if nic.uuid in before]
    moved = [nic for nic in known if nic.tags_index]
    if not moved:
        return []
    words = ", ".join(f"NIC {nic.tags_index} {verb} NIC {nic.index}" for nic in moved)
    return [
        f"{moved[0].instance}: {words}, and tags by index mean another NIC; before you {what}"
        f" it, write them by UUID: {commands(moved)}"
    ]
