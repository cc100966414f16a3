"""What Ganeti's configuration says beside the statuses of nodes: wrong tags, and odd NICs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from time import sleep

from ganeti_ovs.cluster.inventory import Inventory, read_inventory
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.master.status import ask_statuses
from ganeti_ovs.master.survey import CLUSTER, Survey
from ganeti_ovs.master.wishes import odd_nics
from ganeti_ovs.master.wrong import unread, unsaid, wrong_tags
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.status import NodeStatus, Problem

AGAIN = 2.0
"""Seconds after which what is odd is looked at once more: a hook tells a node after the job."""


def beside(
    master: Master, cluster: Cluster, seen: Survey, *, whole: bool
) -> dict[str, list[Problem]]:
    """Node or CLUSTER -> what is wrong. `whole`: not only instances of the nodes that were asked.

    That Ganeti does not say what it has is a problem.
    """
    try:
        known = read_inventory(master)
        found = _odd(master, cluster, seen, known)
    except Error as err:
        return {CLUSTER: [unread(err)]}
    about = [one for one in known.instances if whole or one.node in seen.groups]
    tags = wrong_tags(cluster, known, about, others=whole)
    return {**found, CLUSTER: unsaid(tags, seen.statuses.values())}


def _odd(
    master: Master, cluster: Cluster, seen: Survey, known: Inventory
) -> dict[str, list[Problem]]:
    """What is odd now and a moment later: operations of Ganeti go on meanwhile."""
    first = odd_nics(known.instances, seen.statuses)
    if not first:
        return {}
    sleep(AGAIN)
    texts = {node: seen.documents.get(node) for node in first}
    asked = ask_statuses(texts, partial(master.reach, cluster))
    statuses = {node: one.status for node, one in asked.items() if one.status}
    second = odd_nics(read_inventory(master).instances, {**seen.statuses, **statuses})
    return _both(first, second, statuses)


def _both(
    first: Mapping[str, list[Problem]],
    second: Mapping[str, list[Problem]],
    statuses: Mapping[str, NodeStatus],
) -> dict[str, list[Problem]]:
    """Of nodes that have answered twice, what they say now and said before."""
    found = {}
    for node in statuses:
        before = {(one.kind, one.subject) for one in first[node]}
        found[node] = [one for one in second.get(node, ()) if (one.kind, one.subject) in before]
    return found
