"""What is wrong with this node's vSwitches and its guests' ports, for `gnt-cluster verify`.

NOTE: of a hook that succeeds, gnt-cluster verify shows nothing (HooksCallBack in Ganeti's
cmdlib/cluster/verify.py), so warnings make the hook fail, too.
"""

from __future__ import annotations

from ganeti_ovs.cluster.hook import is_master
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.cluster.runtime import Runtime, caller, runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.master.converge import unsent
from ganeti_ovs.master.wrong import wrong_tags
from ganeti_ovs.model.document import UNDER_WAY
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.fitting import WIDTH, fitted
from ganeti_ovs.model.status import Problem, Severity
from ganeti_ovs.node.status import node_status

Environment = dict[str, str]


def verify(environ: Environment) -> list[str]:
    """What is not as it should be: here, and on the master also which nodes lack
    their document, and which tags are wrong.
    """
    problems: list[str] = []
    for check in (_here, _elsewhere):
        try:
            problems += check(environ)
        except Error as err:
            trace()
            problems.append(str(err))
    return problems


def _elsewhere(environ: Environment) -> list[str]:
    here = runtime(environ)
    return [*unsent(here), *map(_line, _tags(here))]


def _tags(here: Runtime) -> list[Problem]:
    """Wrong tags, on the master. Of guests that run their nodes say it."""
    if not is_master(here):
        return []
    master = Master()
    return wrong_tags(master, master.read(), lambda one: not one.up)


def _here(environ: Environment) -> list[str]:
    status = node_status(runtime(environ), caller(environ), patience=UNDER_WAY)
    return [_line(one) for one in status.problems]


def _line(problem: Problem) -> str:
    head = "" if problem.severity == Severity.ERROR else "warning: "
    return head + fitted(problem, WIDTH - len(f"ganeti-ovs: {head}"))
