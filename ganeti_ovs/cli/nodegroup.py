"""Which node group a command is about, and the way to its nodes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches

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


def full_name(names: Iterable[str], text: str, what: str) -> str:
    """The name that is meant by `text`, which may be its beginning up to a dot, as in gnt-*.

    Raises Error if there is none, or more than one.
    """
    known = sorted(names)
    if text in known:
        return text
    short = text.lower()
    found = [one for one in known if one.lower() == short or one.lower().startswith(f"{short}.")]
    if len(found) == 1:
        return found[0]
    if found:
        raise Error(f"{what} {text} may be {' or '.join(found)}")
    close = get_close_matches(short, [*known, *(one.partition(".")[0] for one in known)], 1)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise Error(f"there is no {what} {text}{meant}")


def named_node(cluster: Cluster, node: str | None) -> str | None:
    """The whole name of a node; None stays None. Raises Error."""
    return None if node is None else full_name(cluster.nodes, node, "node")


def _group_of(cluster: Cluster, node: str, group: str | None) -> str:
    node = full_name(cluster.nodes, node, "node")
    found = cluster.nodes[node].group
    if group not in (None, found):
        raise Error(f"node {node} is in node group {found}, not {group}")
    return found


def rollout(master: Master, cluster: Cluster, group: str, *, force: bool = False) -> Rollout:
    """The way to this group's nodes, with a bar on a terminal. Raises BadInput for a wrong tag."""
    desired = read_desired(cluster, group_named(cluster, group))
    return Rollout(master, cluster, desired, runtime(os.environ), force, bar)
