"""What is wrong with this node's vSwitches and its guests' ports, for `gnt-cluster verify`.

NOTE: of a hook that succeeds, gnt-cluster verify shows nothing (HooksCallBack in Ganeti's
cmdlib/cluster/verify.py), so warnings make the hook fail, too.
"""

from __future__ import annotations

from functools import partial

from ganeti_ovs.cluster.hook import is_master
from ganeti_ovs.cluster.inventory import read_inventory
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.cluster.runtime import Runtime, caller, runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.master.converge import unsent
from ganeti_ovs.master.wrong import unread, unsaid, wrong_tags
from ganeti_ovs.model.document import UNDER_WAY
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.fitting import WIDTH, on_master
from ganeti_ovs.model.status import NodeStatus, Problem, Severity
from ganeti_ovs.node.status import node_status

Environment = dict[str, str]


def verify(environ: Environment) -> list[str]:
    """What is not as it should be: here, and on the master also which nodes lack
    their document, and which tags are wrong.
    """
    here, status, lines = runtime(environ), list[NodeStatus](), list[str]()

    def of_node() -> list[str]:
        status.append(node_status(here, caller(environ), patience=UNDER_WAY))
        return [_line(one, status[0].node) for one in status[0].problems]

    def of_tags() -> list[str]:
        return [_line(one) for one in _tags(here, status)]

    for check in (of_node, partial(unsent, here), of_tags):
        try:
            lines += check()
        except Error as err:
            trace()
            lines.append(str(err))
    return lines


def _tags(here: Runtime, status: list[NodeStatus]) -> list[Problem]:
    """Wrong tags, on the master, of all instances: Ganeti may want one to run that does not.

    NOTE: where a guest runs on another node, the hook there may name the tag as well.
    """
    if not is_master(here):
        return []
    master = Master()
    cluster = master.read()
    try:
        known = read_inventory(master)
    except Error as err:
        trace()
        return [unread(err)]
    return unsaid(wrong_tags(cluster, known, known.instances), status)


def _line(problem: Problem, node: str = "") -> str:
    """Of the whole cluster, or of `node`: who reads it is on the master."""
    head = "" if problem.severity == Severity.ERROR else "warning: "
    return head + on_master(problem, node, WIDTH - len(f"ganeti-ovs: {head}"))
