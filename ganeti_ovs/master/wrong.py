"""Tags of the cluster that are wrong, whoever has them and whether it runs or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ganeti_ovs.cluster import wrongtags
from ganeti_ovs.cluster.inventory import Instance, Inventory
from ganeti_ovs.cluster.master import Cluster
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.status import NodeStatus, Problem, Severity

_SAID_BY_NODES = "nic-wrong"
"""The kind of problem that a node says of the tags of a guest that runs there."""

_QUOTED = 55
"""Characters of a tag that a node's words have at least (`model.errors.quoted`)."""


def wrong_tags(
    cluster: Cluster, known: Inventory, about: Iterable[Instance], *, others: bool = True
) -> list[Problem]:
    """Those of the instances that it is `about`; `others`: and of groups, nodes and networks.

    They block an instance's next start, or say nothing.
    """
    found = list(wrongtags.of_instances(about))
    if not others:
        return found
    networks = wrongtags.of_networks(known.networks.values())
    return [*wrongtags.of_groups(cluster), *networks, *found]


def unread(err: Error) -> Problem:
    """That they cannot be read."""
    words = f"whether instances' tags are right is unknown: {err}"
    return Problem(Severity.ERROR, "tags-unread", words)


def unsaid(tags: Iterable[Problem], statuses: Iterable[NodeStatus]) -> list[Problem]:
    """Those of the problems with `tags` that no node has said of a guest that runs there."""
    said: dict[str, list[str]] = {}
    for status in statuses:
        for instance, words in _said(status):
            said.setdefault(f"instance {instance}", []).append(words)
    return [
        one for one in tags if not any(_is_in(one, words) for words in said.get(one.subject, ()))
    ]


def _said(status: NodeStatus) -> Iterator[tuple[str, str]]:
    for one in status.problems:
        if one.kind == _SAID_BY_NODES:
            yield one.subject.partition(" NIC ")[0], one.words


def _is_in(problem: Problem, words: str) -> bool:
    """Whether a node's words name the same tag, or say the same of a NIC."""
    if problem.kind == _SAID_BY_NODES:
        return problem.words.partition(": ")[2] == words
    return problem.repair.rpartition(" ")[2][:_QUOTED] in words
