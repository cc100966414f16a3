"""How the nodes are: of some node groups, or one node, asked at once and judged by what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.master.desired import DesiredSwitches, documents, idle_settings, read_desired
from ganeti_ovs.master.status import Asked, ask_statuses
from ganeti_ovs.master.versions import other_versions
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.status import NodeStatus, Problem, Severity
from ganeti_ovs.plan.between import differences, twice

Watch = Callable[[str, int], AbstractContextManager[Callable[[Asked], None]]]
"""(what is going on, with how many nodes) -> what is told of each node, while it goes on."""
CLUSTER = "cluster"
"""Where what is wrong with all of it stands."""


@contextmanager
def unwatched(_doing: str, _nodes: int) -> Iterator[Callable[[Asked], None]]:
    """Nobody looks on."""
    yield lambda _asked: None


@dataclass(frozen=True)
class Survey:
    """What came of it."""

    groups: Mapping[str, str]
    """Node -> its group; all nodes that it is about."""
    asked: Mapping[str, Asked]
    """Node -> its status, but of those that are offline."""
    documents: Mapping[str, str | None]
    """Node -> what it was judged by; None: by what it keeps."""
    offline: tuple[str, ...] = ()
    between: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """What is wrong with no single node: `node group NAME` or CLUSTER -> what."""

    @property
    def statuses(self) -> dict[str, NodeStatus]:
        """Those that are known."""
        return {node: one.status for node, one in self.asked.items() if one.status}

    @property
    def problems(self) -> dict[str, tuple[Problem, ...]]:
        """Everything that is wrong: node, `node group NAME` or CLUSTER -> what."""
        found = {node: one.problems for node, one in self.asked.items()}
        for where, some in self.between.items():
            found[where] = (*found.get(where, ()), *some)
        return found


def survey(
    master: Master,
    cluster: Cluster,
    groups: Iterable[str],
    node: str | None = None,
    *,
    watch: Watch = unwatched,
    judged: Mapping[str, str | None] | None = None,
) -> Survey:
    """Ask all nodes of these groups, or the one `node` of theirs.

    Where a group's tags are wrong, its nodes are judged by what they keep. `judged`: nodes that
    are judged by another document than that which is kept for them.
    """
    members: dict[str, str] = {}
    texts: dict[str, str | None] = {}
    found: dict[str, list[Problem]] = {}
    for group in groups:
        nodes = [one for one in cluster.nodes.values() if one.group == group]
        members.update({one.name: group for one in nodes if node in (None, one.name)})
        texts.update(dict.fromkeys(one.name for one in nodes if not one.offline))
        try:
            desired = read_desired(cluster, cluster.groups[group])
            texts.update(documents(cluster, desired)[0])
            found[group_place(group)] = list(_idle(desired, members))
        except BadInput as err:
            found[group_place(group)] = [Problem(Severity.ERROR, "tag", str(err))]
    texts = {name: text for name, text in {**texts, **(judged or {})}.items() if name in members}
    with watch("looking", len(texts)) as told:
        asked = ask_statuses(texts, partial(master.reach, cluster), told)
    offline = tuple(sorted(name for name in members if cluster.nodes[name].offline))
    seen = Survey(members, asked, texts, offline)
    for group in groups:
        of_group = {name: one for name, one in seen.statuses.items() if members[name] == group}
        found[group_place(group)] += differences(of_group)
    lines = other_versions({name: one.version for name, one in seen.statuses.items()})
    found[CLUSTER] = [Problem(Severity.WARNING, "versions", line) for line in lines]
    found[CLUSTER] += twice(seen.statuses)
    return replace(seen, between={place: tuple(some) for place, some in found.items()})


def group_place(group: str) -> str:
    """Where what is wrong with a whole group stands."""
    return f"node group {group}"


def _idle(desired: DesiredSwitches, members: Mapping[str, str]) -> Iterator[Problem]:
    for node, switch in idle_settings(desired):
        if node in members:
            words = f"node {node} has settings of its own for it, its node group does not have it"
            own = " ".join(f"--reset {one}" for one in desired.nodes[node].switches[switch])
            repair = f"gnt-ovs modify-switch -n {node} {switch} {own}"
            yield Problem(Severity.WARNING, "idle-settings", words, switch, repair)
