"""After an operation: the node, and on the master the others' vSwitches, as they are to be now."""

from __future__ import annotations

import os

from ganeti_ovs.cluster.hook import instance_nics, knows_parameters
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.model.errors import Error

TIDIED = (
    "instance-add", "instance-modify", "instance-migrate", "instance-failover", "instance-reboot",
    "instance-remove", "instance-start", "instance-stop", "watcher",
)  # fmt: skip
"""Operations after which the node is reconciled; `watcher` is for those that no hook follows."""

CONVERGED = ("node-add", "node-modify", "watcher")
"""Operations after which nodes may need their vSwitches: new ones, and those that are back."""

_SEND_PATIENCE = 60.0
"""Seconds for which an operation on a node waits for another change of vSwitches."""


def after(event: str, environ: dict[str, str]) -> list[str]:
    """Bring the node to what is right now; what could not be put right, in lines. Raises Error."""
    problems = _converge(event, environ) if event in CONVERGED else []
    if event not in TIDIED:
        return problems
    here = runtime(environ)
    nics = instance_nics(environ)
    news = {nic.uuid: nic for nic in nics}
    if event == "instance-add" and environ.get("GANETI_ADD_MODE") == "import":
        from ganeti_ovs.cluster.export import lost_vlans

        problems += [f"warning: {line}" for line in lost_vlans(environ, nics)]
    if not os.path.exists(here.socket):
        return problems  # a master or a node without Open vSwitch
    if event == "watcher":
        from ganeti_ovs.node.settle import settle_alone

        problems += settle_alone(here)
    from ganeti_ovs.node.reconcile import reconcile
    from ganeti_ovs.plan.portwords import lost_words

    done = reconcile(here, news=news, whole=knows_parameters(environ))
    lost = [f"warning: {line}" for line in map(lost_words, done.changes) if line]
    return problems + done.problems + lost


def _converge(event: str, environ: dict[str, str]) -> list[str]:
    """Problems are no end: the watcher's call is also for this node's own ports."""
    from ganeti_ovs.master.converge import Busy, converge

    added = (environ.get("GANETI_NODE_NAME", ""),) if event == "node-add" else ()
    try:
        return converge(runtime(environ), 0 if event == "watcher" else _SEND_PATIENCE, added)
    except Busy as err:
        return [] if event == "watcher" else [str(err)]
    except Error as err:
        trace()
        return [str(err)]
