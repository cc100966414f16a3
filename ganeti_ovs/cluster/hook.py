"""The environment of Ganeti's hooks (doc/hooks.rst): the instance and its NICs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.model.errors import BadInput, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.cluster.runtime import Runtime

_OF_A_NIC = (
    "uuid", "name", "mac", "mode", "link", "vlan", "network_tags", "port_type", "max_bandwidth",
    "max_burst",
)  # fmt: skip
"""Fields of NicSettings; GANETI_INSTANCE_NIC<n>_ and the same in capitals is the variable."""
_DIGITS = 4
"""Ganeti allows 8 NICs."""


def instance_nics(environ: Mapping[str, str]) -> list[NicSettings]:
    """What is said of the NICs of the hook's instance.

    Of a post hook, as they are after the operation. No hook carries the tap's name.
    Empty if the hook is about no instance. Raises BadInput.
    """
    prefix = "GANETI_INSTANCE_"
    if environ.get("GANETI_HOOKS_PHASE") == "post" and "GANETI_POST_INSTANCE_NAME" in environ:
        prefix = "GANETI_POST_INSTANCE_"
    count = environ.get(f"{prefix}NIC_COUNT", "0")
    if not (count.isascii() and count.isdigit() and len(count) <= _DIGITS):
        raise BadInput(f"{prefix}NIC_COUNT is {quoted(count)}, which is no number of NICs")
    instance, tags = environ.get(f"{prefix}NAME", ""), environ.get(f"{prefix}TAGS", "")
    return [
        NicSettings(
            instance=instance,
            index=str(index),
            tags=tags,
            **{
                field: environ.get(f"{prefix}NIC{index}_{field.upper()}", "") for field in _OF_A_NIC
            },
        )
        for index in range(int(count))
    ]


def knows_parameters(environ: Mapping[str, str]) -> bool:
    """True if this Ganeti knows the NIC parameters of `patches/`: it says them even when empty.

    Another one says nothing of what a NIC may have had from it before a downgrade.
    """
    return any(
        name.startswith(("GANETI_INSTANCE_NIC", "GANETI_POST_INSTANCE_NIC"))
        and name.endswith("_MAX_BANDWIDTH")
        for name in environ
    )


def nodes_to_be(environ: Mapping[str, str]) -> set[str]:
    """The nodes on which the instance will be able to run when the operation has ended."""
    names = {
        environ.get("GANETI_NEW_PRIMARY") or environ.get("GANETI_INSTANCE_PRIMARY", ""),
        *environ.get("GANETI_INSTANCE_SECONDARIES", "").split(),
    }
    return {name for name in names if name}


def nic_networks(environ: Mapping[str, str]) -> dict[str, str]:
    """UUID of each NIC that has a network -> that of the network; of a pre hook."""
    found = {}
    for name, uuid in environ.items():
        nic = name.removesuffix("_NETWORK_UUID")
        if nic != name and nic.startswith("GANETI_INSTANCE_NIC"):
            found[environ.get(f"{nic}_UUID", "")] = uuid
    return found


def route(environ: Mapping[str, str]) -> tuple[str, str]:
    """From which node to which an instance is about to move; "" for what is not known yet."""
    old = environ.get("GANETI_OLD_PRIMARY") or environ.get("GANETI_INSTANCE_PRIMARY", "")
    return old, environ.get("GANETI_NEW_PRIMARY", "")


def is_cleanup(environ: Mapping[str, str]) -> bool:
    """True of a migration or failover that only tidies up after one that has failed."""
    words = (environ.get(f"GANETI_{one}_CLEANUP") for one in ("MIGRATE", "FAILOVER"))
    return "True" in words


def stands_still(environ: Mapping[str, str]) -> bool:
    """True if the instance, if nothing of it runs here, runs nowhere: also one that has crashed."""
    primary = environ.get("GANETI_INSTANCE_PRIMARY", "")
    return environ.get("GANETI_INSTANCE_STATUS") == "down" or is_here([primary])


def hostname() -> str:
    """This node's name, in full or not."""
    return os.uname().nodename


def is_here(nodes: Iterable[str]) -> bool:
    """True if this node is one of `nodes`, which Ganeti names in full."""
    here = hostname()
    return any(here in (name, name.partition(".")[0]) for name in nodes)


def is_master(here: Runtime) -> bool:
    """True if this node is the master, by what Ganeti keeps on every node."""
    name = (files.read(f"{here.lib}/ganeti/ssconf_master_node") or "").strip()
    return bool(name) and is_here([name])


def group_network(environ: Mapping[str, str]) -> tuple[str, str, str]:
    """Mode, link and VLAN of a network that is being connected to a node group."""
    mode, link, vlan = (
        environ.get(f"GANETI_GROUP_NETWORK_{name}", "") for name in ("MODE", "LINK", "VLAN")
    )
    return mode, link, vlan
