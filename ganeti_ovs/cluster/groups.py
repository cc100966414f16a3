"""Node groups, their networks and tags, from Ganeti's configuration where this node has a copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.configuration import LONGEST
from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.vlan import parse_vlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime

_SETTINGS = ("mode", "link", "vlan")


class Groups:
    """All node groups; none where this node has no configuration, or a broken one."""

    def __init__(self, here: Runtime) -> None:
        try:
            data = json.loads(files.read(f"{here.lib}/ganeti/config.data", LONGEST) or "{}")
        except (ValueError, RecursionError):
            data = {}
        self._groups = _objects(data, "nodegroups")
        self._nodes = {str(one.get("name")): one for one in _objects(data, "nodes").values()}
        self._networks = _objects(data, "networks")

    def of(self, node: str) -> str:
        """The UUID of a node's group; "" if it is not known."""
        uuid = str(self._nodes.get(node, {}).get("group", ""))
        return uuid if uuid in self._groups else ""

    def name(self, uuid: str) -> str:
        """A group's name, as it may be shown."""
        return _shown(self._groups[uuid].get("name"))

    def tags(self, name: str) -> list[str] | None:
        """The tags of the group with this name; None if it is not known."""
        for group in self._groups.values():
            if group.get("name") == name:
                tags = group.get("tags", [])
                return [str(tag) for tag in tags] if isinstance(tags, list) else []
        return None

    def network(self, uuid: str) -> str:
        """A network's name, as it may be shown."""
        return _shown(self._networks.get(uuid, {}).get("name"))

    def connected(self, group: str, network: str) -> Mapping[str, str] | None:
        """Mode, link and vlan of a network in a group; None if it is not connected there."""
        networks = self._groups[group].get("networks")
        found = networks.get(network) if isinstance(networks, dict) else None
        if not isinstance(found, dict):
            return None
        return {name: str(found.get(name) or "") for name in _SETTINGS}


def elsewhere(groups: Groups, nic: NicSettings, network: str, old: str, new: str) -> str:
    """Why the NIC cannot go from a node of the group `old` to one of `new`; "" if it can.

    Ganeti gives it the mode, link and VLAN that its network had in the old one. `network` is its
    network's UUID. What differs from the network's already where it is, moving does not change.
    """
    there = groups.connected(new, network)
    what = f"network {groups.network(network)} of this NIC"
    if there is None:
        return f"{what} is not connected to node group {groups.name(new)}; gnt-network connect"
    here = groups.connected(old, network) or {}
    different = [*_different(nic, here, there)]
    if not different:
        return ""
    return (
        f"{what} has {' and '.join(different)} in node group {groups.name(new)}, where the guest"
        " would be in another network; connect it there as here, or change the NIC"
    )


def _different(
    nic: NicSettings, here: Mapping[str, str], there: Mapping[str, str]
) -> Iterator[str]:
    for name in _SETTINGS:
        has, wants = str(getattr(nic, name)), there[name]
        if not _same(name, has, wants) and not _same(name, here.get(name, ""), wants):
            words = "VLAN" if name == "vlan" else name
            yield f"{words} {_shown(wants) or 'none'}, not {_shown(has) or 'none'},"


def _same(name: str, one: str, other: str) -> bool:
    if name == "vlan":
        try:
            return parse_vlan(one) == parse_vlan(other)
        except BadInput:
            pass
    return one == other


def _objects(data: Any, kind: str) -> dict[str, dict[str, Any]]:
    found = data.get(kind) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        return {}
    return {uuid: one for uuid, one in found.items() if isinstance(one, dict)}


def _shown(text: object) -> str:
    return quoted(str(text or ""))[1:-1]
