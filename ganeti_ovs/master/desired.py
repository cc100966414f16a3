"""What Ganeti keeps for a node group and its nodes, as each node's document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ganeti_ovs.cluster.master import Cluster, Group, Node
from ganeti_ovs.cluster.switchtags import (
    Settings,
    Stored,
    TagChange,
    read_tags,
    switches_for,
    tag_change,
)
from ganeti_ovs.model.document import to_document
from ganeti_ovs.model.errors import BadInput, Error


@dataclass(frozen=True)
class DesiredSwitches:
    """One node group's vSwitches as they are kept, or shall be."""

    group: Group
    stored: Stored
    nodes: dict[str, Stored]
    """Each node's own settings."""

    def only(self, node: str | None) -> DesiredSwitches:
        """The same for this node alone; without one, for all. Raises Error if it is not there."""
        if node is None:
            return self
        if node not in self.nodes:
            raise Error(f"node {node} has left node group {self.group.name}; try again")
        return replace(self, nodes={node: self.nodes[node]})


@dataclass(frozen=True)
class Proposal:
    """What shall be kept instead: of a group, or what one of its nodes has of its own."""

    desired: DesiredSwitches
    """What the nodes that it is about are to have then."""
    owner: Group | Node
    """Whose tags change."""
    revisions: tuple[str, ...]
    """Those that the owner had when it was read."""
    tags: TagChange
    what: str
    """The command, for Ganeti's log."""

    @property
    def node(self) -> str | None:
        """The node that it is about; None if all of the group."""
        return self.owner.name if isinstance(self.owner, Node) else None


def group_proposal(desired: DesiredSwitches, after: Mapping[str, Settings], what: str) -> Proposal:
    """Make `after` what the group keeps. Raises BadInput for what tags cannot hold."""
    stored = desired.stored
    then = replace(desired, stored=Stored(dict(after), stored.revisions))
    return Proposal(then, desired.group, stored.revisions, tag_change(stored, after), what)


def node_proposal(
    desired: DesiredSwitches, node: Node, after: Mapping[str, Settings], what: str
) -> Proposal:
    """Make `after` what the node has of its own. Raises BadInput for what tags cannot hold."""
    stored = desired.nodes[node.name]
    then = replace(desired, nodes={node.name: Stored(dict(after), stored.revisions)})
    return Proposal(then, node, stored.revisions, tag_change(stored, after, is_node=True), what)


def group_named(cluster: Cluster, name: str) -> Group:
    """The group with this name. Raises Error that says which there are."""
    if name not in cluster.groups:
        raise Error(f"there is no node group {name}: {', '.join(sorted(cluster.groups))}")
    return cluster.groups[name]


def read_desired(cluster: Cluster, group: Group) -> DesiredSwitches:
    """What is kept for this group and its nodes. Raises BadInput that names a wrong tag."""
    return DesiredSwitches(
        group,
        read_tags(group.tags, f"node group {group.name}"),
        {
            node.name: read_tags(node.tags, f"node {node.name}", is_node=True)
            for node in cluster.nodes.values()
            if node.group == group.name
        },
    )


def documents(cluster: Cluster, desired: DesiredSwitches) -> tuple[dict[str, str], list[str]]:
    """Every node's document, and the nodes that are offline. Raises BadInput."""
    found: dict[str, str] = {}
    offline: list[str] = []
    for name, own in sorted(desired.nodes.items()):
        switches = switches_for(desired.stored, own, f"node {name}")
        if cluster.nodes[name].offline:
            offline.append(name)
        else:
            found[name] = to_document(switches, "+".join(desired.stored.revisions))
    return found, offline


def all_documents(cluster: Cluster) -> tuple[dict[str, str], list[str]]:
    """Every node's document but of those that are offline, and the groups that have none, in words.

    What is wrong in one group keeps no other group from its own.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for _name, group in sorted(cluster.groups.items()):
        try:
            found.update(documents(cluster, read_desired(cluster, group))[0])
        except BadInput as err:
            problems.append(str(err))
    return found, problems


def idle_settings(desired: DesiredSwitches) -> list[tuple[str, str]]:
    """(node, vSwitch) of settings that the node has for a vSwitch that its group does not have."""
    return [
        (node, name)
        for node, own in sorted(desired.nodes.items())
        for name in sorted(own.switches.keys() - desired.stored.switches.keys())
    ]
