"""What Ganeti keeps for a node group and its nodes, as each node's document."""

from __future__ import annotations

from dataclasses import dataclass

from ganeti_ovs.cluster.master import Cluster, Group
from ganeti_ovs.cluster.switchtags import Stored, read_tags, switches_for
from ganeti_ovs.model.document import to_document
from ganeti_ovs.model.errors import BadInput


@dataclass(frozen=True)
class Wanted:
    """One node group's vSwitches as they are kept, or shall be."""

    group: Group
    stored: Stored
    nodes: dict[str, Stored]
    """Each node's own settings."""


def read_wanted(cluster: Cluster, group: Group) -> Wanted:
    """What is kept for this group and its nodes. Raises BadInput that names a wrong tag."""
    return Wanted(
        group,
        read_tags(group.tags, f"node group {group.name}"),
        {
            node.name: read_tags(node.tags, f"node {node.name}", is_node=True)
            for node in cluster.nodes.values()
            if node.group == group.name
        },
    )


def documents(cluster: Cluster, wanted: Wanted) -> tuple[dict[str, str], list[str]]:
    """Every node's document, and the nodes that are offline. Raises BadInput."""
    found: dict[str, str] = {}
    offline: list[str] = []
    for name, own in sorted(wanted.nodes.items()):
        switches = switches_for(wanted.stored, own, f"node {name}")
        if cluster.nodes[name].offline:
            offline.append(name)
        else:
            found[name] = to_document(switches, "+".join(wanted.stored.revisions))
    return found, offline


def all_documents(cluster: Cluster) -> tuple[dict[str, str], list[str]]:
    """Every node's document but of those that are offline, and the groups that have none, in words.

    What is wrong in one group keeps no other group from its own.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for _name, group in sorted(cluster.groups.items()):
        try:
            found.update(documents(cluster, read_wanted(cluster, group))[0])
        except BadInput as err:
            problems.append(str(err))
    return found, problems


def idle_settings(wanted: Wanted) -> list[str]:
    """Settings that nodes have for vSwitches that their group does not have, in words."""
    return [
        f"{node}: has settings of its own for {name}, which its node group does not have"
        for node, own in sorted(wanted.nodes.items())
        for name in sorted(own.switches.keys() - wanted.stored.switches.keys())
    ]
