"""Tags as they are now, from Ganeti's configuration where this node has a copy.

Master candidates (by default, all nodes of a small cluster) keep config.data.
Changing tags fires no hook, so nothing else on a node tells of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.paths import data_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 32 << 20
"""Bytes of config.data: some 10,000 instances."""


class Tags:
    """Tags of instances and networks; empty where this node has no configuration."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read Ganeti's data directory; LOCALSTATEDIR and GANETI_ROOTDIR move it (net-common)."""
        path = f"{data_directory(environ)}/ganeti/config.data"
        try:
            data = json.loads(files.read(path, _LONGEST) or "{}")
        except (ValueError, RecursionError):
            data = {}
        self._instances = {str(one.get("name")): one for one in _of(data, "instances")}
        self._networks = {str(one.get("uuid")): one for one in _of(data, "networks")}

    def indices(self, instance: str) -> dict[str, str] | None:
        """UUID -> index of the instance's NICs; None if this node does not know."""
        found = self._instances.get(instance)
        if found is None:
            return None
        nics = enumerate(_objects(found.get("nics")))
        return {str(one.get("uuid")): str(index) for index, one in nics}

    def refresh(self, nic: Mapping[str, str]) -> dict[str, str]:
        """The NIC's environment with its index and its tags as they are now, if known."""
        instance = self._instances.get(nic.get("INSTANCE", ""))
        if instance is None:
            return dict(nic)
        current = {**nic, "TAGS": _joined(instance)}
        for index, one in enumerate(_objects(instance.get("nics"))):
            if one.get("uuid") == nic.get("INTERFACE_UUID"):
                current["INTERFACE_INDEX"] = str(index)
                current["NETWORK_TAGS"] = _joined(self._networks.get(str(one.get("network")), {}))
        return current


def _of(data: Any, kind: str) -> list[dict[str, Any]]:
    found = data.get(kind) if isinstance(data, dict) else None
    return _objects(list(found.values())) if isinstance(found, dict) else []


def _objects(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _joined(thing: Mapping[str, Any]) -> str:
    tags = thing.get("tags")
    return " ".join(sorted(map(str, tags))) if isinstance(tags, list) else ""
