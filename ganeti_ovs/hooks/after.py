"""After an operation: the node, and on the master the others' vSwitches, as they are to be now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.hook import (
    instance_nics,
    is_here,
    is_master,
    knows_parameters,
    nodes_to_be,
)
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.model.errors import Error, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime

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
        problems += [f"warning: {line}" for line in _imported(here, environ, nics)]
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


def _imported(here: Runtime, environ: dict[str, str], nics: list[NicSettings]) -> Iterator[str]:
    """What an import has lost. What any node could say, the master does."""
    from ganeti_ovs.cluster.export import idle_tags, lost_settings, read_export

    export = read_export(environ)
    if export is not None:
        yield from lost_settings(export, nics)
    if not is_master(here):
        return
    source = environ.get("GANETI_SRC_NODE", "")
    if export is None and nics and (source not in nodes_to_be(environ) or is_here([source])):
        where = f"{nics[0].instance}: its NICs were not compared with the export on {source or '?'}"
        yield printable(f"{where}, as gnt-backup import may lose their mode, link and VLAN")
    yield from idle_tags(nics)


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
