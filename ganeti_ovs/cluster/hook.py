"""The environment of Ganeti's hooks (doc/hooks.rst): the instance and its NICs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import files
from ganeti_ovs.model.errors import BadInput, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.cluster.runtime import Runtime

    Environment = dict[str, str]

_NIC_VARIABLES = {
    "INTERFACE_UUID": "UUID",
    "INTERFACE_NAME": "NAME",
    "MAC": "MAC",
    "MODE": "MODE",
    "LINK": "LINK",
    "VLAN": "VLAN",
    "NETWORK_TAGS": "NETWORK_TAGS",
    "PORT_TYPE": "PORT_TYPE",
    "MAX_BANDWIDTH": "MAX_BANDWIDTH",
    "MAX_BURST": "MAX_BURST",
}
"""The network script's name of a value -> its name behind GANETI_INSTANCE_NIC<n>_."""
_DIGITS = 4
"""Ganeti allows 8 NICs."""


def instance_nics(environ: Mapping[str, str]) -> list[Environment]:
    """The NICs of the hook's instance, each as the network script would be told of it.

    Of a post hook, as they are after the operation. INTERFACE is missing: no
    hook carries the tap's name. Empty if the hook is about no instance. Raises BadInput.
    """
    prefix = "GANETI_INSTANCE_"
    if environ.get("GANETI_HOOKS_PHASE") == "post" and "GANETI_POST_INSTANCE_NAME" in environ:
        prefix = "GANETI_POST_INSTANCE_"
    count = environ.get(f"{prefix}NIC_COUNT", "0")
    if not (count.isascii() and count.isdigit() and len(count) <= _DIGITS):
        raise BadInput(f"{prefix}NIC_COUNT is {quoted(count)}, which is no number of NICs")
    nics = []
    for index in range(int(count)):
        nic = {
            "INSTANCE": environ.get(f"{prefix}NAME", ""),
            "INTERFACE_INDEX": str(index),
            "TAGS": environ.get(f"{prefix}TAGS", ""),
        }
        for name, suffix in _NIC_VARIABLES.items():
            value = environ.get(f"{prefix}NIC{index}_{suffix}")
            if value is not None:
                nic[name] = value
        nics.append(nic)
    return nics


def nodes_to_be(environ: Mapping[str, str]) -> set[str]:
    """The nodes on which the instance will be able to run when the operation has ended."""
    names = {
        environ.get("GANETI_NEW_PRIMARY") or environ.get("GANETI_INSTANCE_PRIMARY", ""),
        *environ.get("GANETI_INSTANCE_SECONDARIES", "").split(),
    }
    return {name for name in names if name}


def is_here(nodes: Iterable[str]) -> bool:
    """True if this node is one of `nodes`, which Ganeti names in full."""
    here = socket.gethostname()
    return any(here in (name, name.partition(".")[0]) for name in nodes)


def is_master(here: Runtime) -> bool:
    """True if this node is the master, by what Ganeti keeps on every node."""
    name = (files.read(f"{here.lib}/ganeti/ssconf_master_node") or "").strip()
    return bool(name) and is_here([name])


def group_network(environ: Mapping[str, str]) -> Environment:
    """Mode, link and VLAN of a network that is being connected to a node group."""
    return {
        name: environ.get(f"GANETI_GROUP_NETWORK_{name}", "") for name in ("MODE", "LINK", "VLAN")
    }
