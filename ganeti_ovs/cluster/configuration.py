"""Tags as they are now, from Ganeti's configuration where this node has a copy.

Master candidates (by default, all nodes of a small cluster) keep config.data.
Changing tags fires no hook, so nothing else on a node tells of it.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganeti_ovs.cluster import files, piece

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime

    Find = Callable[[str, str], dict[str, Any] | None]

LONGEST = 32 << 20
"""Bytes of config.data: some 10,000 instances."""
_PIECES = 24
"""Objects that are looked for in its text before all of it is parsed: a look takes a twentieth."""


class Tags:
    """Tags of instances and networks; empty where this node has no configuration.

    It is read when something is asked of it for the first time, and parsed as a whole only if
    many instances are: both take longer the larger the cluster is.
    """

    def __init__(self, here: Runtime) -> None:
        self._path = f"{here.lib}/ganeti/config.data"
        self._found: dict[tuple[Find, str], dict[str, Any] | None] = {}

    def _instance(self, name: str) -> dict[str, Any] | None:
        return self._one(piece.instance, name) or self._instances.get(name)

    def _network(self, uuid: str) -> dict[str, Any]:
        return self._one(piece.network, uuid) or self._networks.get(uuid, {})

    def _one(self, find: Find, name: str) -> dict[str, Any] | None:
        """What `find` finds, each once; None when enough has been looked for so."""
        key = (find, name)
        if key not in self._found and len(self._found) < _PIECES:
            self._found[key] = find(self._text, name)
        return self._found.get(key)

    @cached_property
    def _text(self) -> str:
        return files.read(self._path, LONGEST) or "{}"

    @cached_property
    def _data(self) -> Any:
        try:
            return json.loads(self._text)
        except (ValueError, RecursionError):
            return {}

    @cached_property
    def _instances(self) -> dict[str, dict[str, Any]]:
        return {str(one.get("name")): one for one in _of(self._data, "instances")}

    @cached_property
    def _networks(self) -> dict[str, dict[str, Any]]:
        return {str(one.get("uuid")): one for one in _of(self._data, "networks")}

    def indices(self, instance: str) -> dict[str, str] | None:
        """UUID -> index of the instance's NICs; None if this node does not know."""
        found = self._instance(instance)
        if found is None:
            return None
        nics = enumerate(_objects(found.get("nics")))
        return {str(one.get("uuid")): str(index) for index, one in nics}

    def refresh(self, nic: NicSettings) -> NicSettings:
        """What is said of the NIC with its index and its tags as they are now, if known."""
        instance = self._instance(nic.instance)
        if instance is None:
            return nic
        current = nic.but(tags=_joined(instance))
        for index, one in enumerate(_objects(instance.get("nics"))):
            if one.get("uuid") == nic.uuid:
                network = one.get("network")
                tags = _joined(self._network(str(network))) if network else ""
                current = current.but(index=str(index), network_tags=tags)
        return current


def _of(data: Any, kind: str) -> list[dict[str, Any]]:
    found = data.get(kind) if isinstance(data, dict) else None
    return _objects(list(found.values())) if isinstance(found, dict) else []


def _objects(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _joined(thing: Mapping[str, Any]) -> str:
    tags = thing.get("tags")
    return " ".join(sorted(map(str, tags))) if isinstance(tags, list) else ""
