"""On the master, without anybody's command: nodes get the vSwitches that they do not have.

A node that was added, came from another group, was offline or not to be reached, or was
changed while another node was the master. No hook tells of a node that changes its group, so
ganeti-watcher's call looks, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, sleep

from ganeti_ovs.cluster.hook import is_master
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.master.ask import Have, ask
from ganeti_ovs.master.desired import all_documents
from ganeti_ovs.master.distribute import distribute
from ganeti_ovs.master.journal import Journal
from ganeti_ovs.master.rollout import send, undisturbed
from ganeti_ovs.master.transport import Reach
from ganeti_ovs.master.versions import other_versions
from ganeti_ovs.model.document import UNDER_WAY, digest

__all__ = ["Busy", "converge", "unsent"]

_AGAIN = 2.0
"""Seconds after which a node that is being changed is asked again."""


@dataclass
class Survey:
    """Which nodes lack their document."""

    new: dict[str, str] = field(default_factory=dict)
    """Those that get it (node -> document)."""
    alone: dict[str, str] = field(default_factory=dict)
    """Those that have tried it in vain, and are left alone: why."""
    under_way: list[str] = field(default_factory=list)
    """Those that are being changed just now, and are left alone for that."""
    problems: list[str] = field(default_factory=list)
    """Those of which nothing is known, and so nothing is sent to them; a line each."""
    versions: dict[str, str | None] = field(default_factory=dict)
    """Of ganeti-ovs there; None: not known."""


def converge(here: Runtime, patience: float = 0, added: tuple[str, ...] = ()) -> list[str]:
    """Send every node what it does not have; what went wrong. Nothing on nodes that are no master.

    A node that has carried its document out and taken it back, for whatever reason, is left
    alone until somebody says `gnt-ovs apply`. Nodes `added` have just come to the cluster.
    Raises Error, and Busy when another one is still sending after `patience` seconds.
    """
    if not is_master(here):
        return []
    master = Master()
    with undisturbed(master, here, patience) as (cluster, journal):
        documents, problems = all_documents(cluster)
        return problems + bring(documents, partial(master.reach, cluster), journal, added)


def unsent(here: Runtime) -> list[str]:
    """Which nodes do not have what they should; nothing on nodes that are no master."""
    if not is_master(here):
        return []
    master = Master()
    cluster = master.read()
    documents, problems = all_documents(cluster)
    return problems + lacking(documents, partial(master.reach, cluster), Journal(here))


def bring(
    documents: Mapping[str, str], reach: Reach, journal: Journal, added: tuple[str, ...] = ()
) -> list[str]:
    """Ask all nodes, and send their documents to those that lack them; what went wrong."""
    journal.forget(added)
    seen = survey(documents, reach, journal)
    if seen.new:
        outcomes = send(seen.new, reach, journal)
        seen.problems += [
            f"{node}: {outcome.error}" for node, outcome in outcomes.items() if outcome.error
        ]
    return seen.problems


def lacking(documents: Mapping[str, str], reach: Reach, journal: Journal) -> list[str]:
    """Ask all nodes; which of them lack their documents, and why, a line each.

    Of those that are being changed nothing is said before it is over, if it is in UNDER_WAY.
    """
    seen = survey(documents, reach, journal)
    deadline = monotonic() + UNDER_WAY
    while seen.under_way and monotonic() < deadline:
        sleep(_AGAIN)
        later = survey({node: documents[node] for node in seen.under_way}, reach, journal)
        seen.new.update(later.new)
        seen.alone.update(later.alone)
        seen.problems += later.problems
        seen.under_way = later.under_way
    seen.problems += [
        f"node {node}: a change of its vSwitches has been under way for more than {UNDER_WAY:g} s,"
        " whether it has them is unknown"
        for node in seen.under_way
    ]
    reasons = {
        node: journal.error(node) or "it has others, or none" for node in seen.new
    } | seen.alone
    lines = [
        f"node {node} does not have its vSwitches ({why}); gnt-ovs apply"
        for node, why in sorted(reasons.items())
    ]
    return seen.problems + lines + other_versions(seen.versions)


def survey(documents: Mapping[str, str], reach: Reach, journal: Journal) -> Survey:
    """Which nodes lack their document, by what they say now."""
    seen = Survey()
    answers = ask(documents, reach)
    seen.versions = {node: have.version for node, have in answers.items()}
    older = {node: documents[node] for node, have in answers.items() if have.older}
    if older:
        answers.update(_older(older, reach))
        seen.problems += [
            f"node {node} has an older ganeti-ovs, which does not say what it has tried"
            for node in sorted(older)
        ]
    for node, text in documents.items():
        have, made = answers[node], digest(text)
        if have.unknown:
            seen.problems.append(
                f"node {node}: whether it has its vSwitches is unknown: {have.unknown}"
            )
        elif have.under_way and not have.has(made):
            seen.under_way.append(node)
        elif not have.has(made):
            why = have.why if have.tried == made else journal.alone(node, text)
            if why:
                seen.alone[node] = why
            else:
                seen.new[node] = text
    return seen


def _older(documents: Mapping[str, str], reach: Reach) -> dict[str, Have]:
    """Of nodes that do not know the question: whether they keep this very document."""
    found = {}
    for node, outcome in distribute(documents, reach, dry_run=True).items():
        kept = outcome.answer.kept
        if kept is None:
            found[node] = Have(unknown=outcome.error or "it does not say what it keeps")
        else:
            found[node] = Have(kept=digest(documents[node]) if kept else "")
    return found
