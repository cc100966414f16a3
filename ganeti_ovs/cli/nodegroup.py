"""Which node group a command is about, and the way to its nodes."""

from __future__ import annotations

import os

from ganeti_ovs.cli.results import bar
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.master.desired import group_named, read_desired
from ganeti_ovs.master.rollout import Rollout
from ganeti_ovs.model.errors import Error


def chosen_group(cluster: Cluster, group: str | None, node: str | None = None) -> str:
    """The group that was named, or the node's; without both, the only group there is.

    Raises Error if there is none, or the node is in another one.
    """
    if node is not None:
        return _group_of(cluster, node, group)
    if group is None:
        if len(cluster.groups) != 1:
            raise Error(f"say which node group (-g): {', '.join(sorted(cluster.groups))}")
        return next(iter(cluster.groups))
    return group_named(cluster, group).name


def chosen_groups(cluster: Cluster, group: str | None, node: str | None = None) -> list[str]:
    """The same; without both, all groups."""
    if group is None and node is None:
        return sorted(cluster.groups)
    return [chosen_group(cluster, group, node)]


def _group_of(cluster: Cluster, node: str, group: str | None) -> str:
    if node not in cluster.nodes:
        raise Error(f"there is no node {node}")
    found = cluster.nodes[node].group
    if group not in (None, found):
        raise Error(f"node {node} is in node group {found}, not {group}")
    return found


def rollout(master: Master, cluster: Cluster, group: str, *, force: bool = False) -> Rollout:
    """The way to this group's nodes, with a bar on a terminal. Raises BadInput for a wrong tag."""
    desired = read_desired(cluster, group_named(cluster, group))
    return Rollout(master, cluster, desired, runtime(os.environ), force, bar)
