"""This node's vSwitches against the document that it keeps, for `gnt-cluster verify`.

NOTE: of a hook that succeeds, gnt-cluster verify shows nothing (HooksCallBack in Ganeti's
cmdlib/cluster/verify.py), so warnings make the hook fail, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.master.converge import unsent
from ganeti_ovs.model.document import UNDER_WAY
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node.document import change_lock
from ganeti_ovs.node.switches import kept, objections, prepare
from ganeti_ovs.ovsdb.client import Client, default_socket
from ganeti_ovs.plan.health import failures, oddities
from ganeti_ovs.plan.state import states
from ganeti_ovs.plan.words import words

if TYPE_CHECKING:
    Environment = dict[str, str]


def verify(environ: Environment) -> list[str]:
    """What is not as it should be: here, and on the master also which nodes lack their document."""
    problems: list[str] = []
    for check in (_here, _elsewhere):
        try:
            problems += check(environ)
        except Error as err:
            trace()
            problems.append(str(err))
    return problems


def _elsewhere(environ: Environment) -> list[str]:
    return unsent(runtime(environ))


def _here(environ: Environment) -> list[str]:
    wanted = kept(environ)
    if wanted is None:
        return []
    # Not in the middle of a change, which is no drift.
    with (
        change_lock(environ, UNDER_WAY, shared=True),
        Client(default_socket(environ)) as client,
    ):
        wanted = kept(environ) or wanted
        plan, change = prepare(client, wanted, environ)
    state = states(change.before, [switch.name for switch in wanted])
    return [
        *(f"differs, gnt-ovs apply would do: {words(one)}" for one in plan.changes),
        *objections(plan, force=False),
        *failures(state),
        *(f"warning: {line}" for line in (*plan.warnings, *oddities(state))),
    ]
