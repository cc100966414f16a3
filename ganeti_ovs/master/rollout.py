"""A change on its way: nodes are asked, Ganeti stores it, nodes get it. One at a time does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.master.desired import (
    DesiredSwitches,
    Proposal,
    documents,
    group_named,
    read_desired,
)
from ganeti_ovs.master.distribute import Outcome, Told, distribute, unheard
from ganeti_ovs.master.journal import SEND_PATIENCE, Journal
from ganeti_ovs.master.transport import Reach
from ganeti_ovs.model.errors import Error

Watch = Callable[[str, int], AbstractContextManager[Told]]
"""(what is going on, with how many nodes) -> what is told of each node, while it goes on."""


@contextmanager
def unwatched(_doing: str, _nodes: int) -> Iterator[Told]:
    """Nobody looks on."""
    yield unheard


@dataclass(frozen=True)
class Result:
    """How it went with one node group, or one node of it."""

    group: str
    asked: bool
    """True if nodes have only been asked what they would do; nothing is changed then."""
    outcomes: dict[str, Outcome]
    offline: tuple[str, ...]
    """Nodes that were not asked for that."""

    @property
    def failed(self) -> list[str]:
        """The nodes on which it did not go well, or would not."""
        return [name for name, outcome in self.outcomes.items() if not outcome.done]


@dataclass(frozen=True)
class Rollout:
    """To the nodes of one node group. Raises Error; what goes wrong on a node is in the Result."""

    master: Master
    cluster: Cluster
    desired: DesiredSwitches
    """What was kept when `cluster` was read."""
    here: Runtime
    force: bool = False
    watch: Watch = unwatched

    def change(
        self,
        proposal: Proposal,
        *,
        dry_run: bool = False,
        agreed: Callable[[], None] = lambda: None,
    ) -> Result:
        """Ask all nodes that it is about; if none refuses, store it and carry it to them.

        `agreed` is called when none has refused, before anything is changed.
        """
        asked = self._ask(proposal.desired)
        if dry_run or asked.failed:
            return asked
        agreed()
        if proposal.tags.add or proposal.tags.remove:
            self.master.change_tags(
                proposal.owner, proposal.revisions, proposal.tags, proposal.what
            )
        try:
            return self.carry(proposal.node)
        except Error as err:
            raise Error(
                f"{err}; the change is stored, but not carried to the nodes: gnt-ovs apply"
            ) from err

    def ask(self, node: str | None = None) -> Result:
        """What every node, or one of them, would do to have what is kept for it."""
        return self._ask(self.desired.only(node))

    def bring(self, node: str | None = None) -> Result:
        """`carry` to the nodes whose answers are understood: from the others it would come back."""
        asked = self.ask(node)
        strange = {name: one for name, one in asked.outcomes.items() if not one.understood}
        return self.carry(node, without=strange)

    def carry(
        self, node: str | None = None, *, without: Mapping[str, Outcome] | None = None
    ) -> Result:
        """Bring the group's nodes, or one of them, what is kept for them.

        Nodes `without` get nothing; the outcomes are in the result.
        """
        without = without or {}
        # As it is now: another change may have been stored and sent meanwhile.
        with undisturbed(self.master, self.here, SEND_PATIENCE) as (cluster, journal):
            group = group_named(cluster, self.desired.group.name)
            found, offline = documents(cluster, read_desired(cluster, group).only(node))
            found = {name: text for name, text in found.items() if name not in without}
            reach = partial(self.master.reach, cluster)
            with self.watch("changing", len(found)) as told:
                outcomes = send(found, reach, journal, force=self.force, told=told)
        outcomes = dict(sorted({**outcomes, **without}.items()))
        return Result(group.name, False, outcomes, tuple(offline))

    def _ask(self, desired: DesiredSwitches) -> Result:
        found, offline = documents(self.cluster, desired)
        reach = partial(self.master.reach, self.cluster)
        with self.watch("asking", len(found)) as told:
            outcomes = distribute(found, reach, dry_run=True, force=self.force, told=told)
        return Result(desired.group.name, True, outcomes, tuple(offline))


@contextmanager
def undisturbed(
    master: Master, here: Runtime, patience: float
) -> Iterator[tuple[Cluster, Journal]]:
    """What Ganeti has now, and the journal, while nobody else sends documents.

    Raises Busy when another one is still sending after `patience` seconds.
    """
    with Journal(here, patience) as journal:
        master.settle()
        yield master.read(), journal


def send(
    documents: Mapping[str, str],
    reach: Reach,
    journal: Journal,
    *,
    force: bool = False,
    told: Told = unheard,
) -> dict[str, Outcome]:
    """Bring every node its document; the journal, which is held, knows before and after."""
    journal.begin(documents)
    outcomes = distribute(documents, reach, force=force, told=told)
    journal.end(outcomes)
    return outcomes
