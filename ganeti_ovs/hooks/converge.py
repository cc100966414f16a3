"""On the master, without anybody's command: nodes get the vSwitches that they have not been sent.

A node that was added, came from another group, was offline or not to be reached. No
hook tells of a node that changes its group, so ganeti-watcher's call looks, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ganeti_ovs.cluster.distribute import distribute
from ganeti_ovs.cluster.document import Busy
from ganeti_ovs.cluster.hook import is_master
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.cluster.sent import Sent
from ganeti_ovs.cluster.wanted import all_documents

__all__ = ["Busy", "converge", "unsent"]


def converge(
    environ: Mapping[str, str], patience: float = 0, added: tuple[str, ...] = ()
) -> list[str]:
    """Send every node what is new to it; what went wrong. Nothing on nodes that are no master.

    A node that has carried its document out and taken it back, for whatever reason, is left
    alone until somebody says `gnt-ovs apply`. Nodes `added` have just come to the cluster.
    Raises Error, and Busy when another one is still sending after `patience` seconds.
    """
    if not is_master(environ):
        return []
    master = Master()
    with Sent(environ, patience) as sent:
        master.settle()
        cluster = master.read()
        documents, problems = all_documents(cluster)
        sent.forget(added)
        new = sent.new_to(documents)
        if not new:
            return problems
        sent.begin(new)
        outcomes = distribute(new, partial(master.reach, cluster))
        sent.end(outcomes)
    return problems + [
        f"{node}: {outcome.error}" for node, outcome in outcomes.items() if outcome.error
    ]


def unsent(environ: Mapping[str, str]) -> list[str]:
    """Which nodes do not have what they should; nothing on nodes that are no master."""
    if not is_master(environ):
        return []
    documents, problems = all_documents(Master().read())
    sent = Sent(environ)
    new = sent.new_to(documents)
    for node in sorted(documents):
        error = sent.error(node) or ("it has not been sent them yet" if node in new else "")
        if error:
            problems.append(f"node {node} does not have its vSwitches ({error}); gnt-ovs apply")
    return problems
