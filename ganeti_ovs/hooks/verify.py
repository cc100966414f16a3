"""This node's vSwitches against the document that it keeps, for `gnt-cluster verify`.

NOTE: of a hook that succeeds, gnt-cluster verify shows nothing (HooksCallBack in Ganeti's
cmdlib/cluster/verify.py), so warnings make the hook fail, too.
"""

from __future__ import annotations

from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.master.converge import unsent
from ganeti_ovs.model.document import UNDER_WAY
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node.document import change_lock, kept
from ganeti_ovs.node.switches import objections, prepare
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.plan.health import failures, oddities
from ganeti_ovs.plan.state import states
from ganeti_ovs.plan.words import words

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
    here = runtime(environ)
    wanted = kept(here)
    if wanted is None:
        return []
    # Not in the middle of a change, which is no drift.
    with (
        change_lock(here, UNDER_WAY, shared=True),
        Client(here.socket) as client,
    ):
        wanted = kept(here) or wanted
        plan, checkpoint = prepare(client, wanted, caller(environ))
    state = states(checkpoint.before, [switch.name for switch in wanted])
    return [
        *(f"differs, gnt-ovs apply would do: {words(one)}" for one in plan.changes),
        *objections(plan, force=False),
        *failures(state),
        *(f"warning: {line}" for line in (*plan.warnings, *oddities(state))),
    ]
