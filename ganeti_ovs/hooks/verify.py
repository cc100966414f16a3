"""What is wrong with this node's vSwitches and its guests' ports, for `gnt-cluster verify`.

NOTE: of a hook that succeeds, gnt-cluster verify shows nothing (HooksCallBack in Ganeti's
cmdlib/cluster/verify.py), so warnings make the hook fail, too.
"""

from __future__ import annotations

from ganeti_ovs.cluster.runtime import caller, runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.master.converge import unsent
from ganeti_ovs.model.document import UNDER_WAY
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.status import Severity
from ganeti_ovs.node.status import node_status

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
    status = node_status(runtime(environ), caller(environ), patience=UNDER_WAY)
    return [
        one.line if one.severity == Severity.ERROR else f"warning: {one.line}"
        for one in status.problems
    ]
