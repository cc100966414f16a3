"""When one NIC fails, Ganeti gives up the guest's start: its other NICs' ports must not stay.

No hook follows a start or a migration that failed. Only imported when that happens.
"""

from __future__ import annotations

import socket

from ganeti_ovs.model.names import instance_name, interface_name
from ganeti_ovs.node import records
from ganeti_ovs.node.running import running_nics
from ganeti_ovs.ovsdb.client import default_socket
from ganeti_ovs.ovsdb.find import find
from ganeti_ovs.ovsdb.session import NODE, Session, apply_limit
from ganeti_ovs.plan import port as plan
from ganeti_ovs.plan.wire import MARK, ovs_map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.plan.wire import Operation

    Environment = dict[str, str]


def give_up(environ: Environment) -> str:
    """Detach the instance's other ports whose taps no guest holds yet.

    Returns a word about it that may follow the error, "" if there was nothing to
    do. A guest that runs here already (the NIC was being hot-plugged) keeps all
    its ports. Not waited for: the taps go with Ganeti's process in a moment.
    Raises Error: they may still be there.
    """
    tap = interface_name(environ.get("INTERFACE", ""), "INTERFACE")
    instance = instance_name(environ.get("INSTANCE", ""))
    # The node's lock first, as all do who take locks of several taps.
    with Session(default_socket(environ), NODE, apply_limit(environ)) as session:
        removed = _remove(session, environ, tap, instance)
    return f"; removed {', '.join(removed)} of the same start, too" if removed else ""


def _remove(session: Session, environ: Environment, tap: str, instance: str) -> list[str]:
    session.acquire()
    asked = _ports_of(session, instance) - {tap}
    # Their locks: nobody works at them any more when they are looked at.
    names = (asked - session.also(asked)) & _ports_of(session, instance)
    if names:
        interfaces = {name: index for index, name in socket.if_nameindex()}
        names -= running_nics(environ, interfaces).keys()
    removed = []
    for name in sorted(names):
        found = find(session, name)
        if found is not None and found.marked:
            session.commit(plan.detach(found))
            records.forget(environ, name)
            removed.append(name)
    return removed


def _ports_of(session: Session, instance: str) -> set[str]:
    """The taps that have ports of ours for the instance."""
    marks = ovs_map({MARK[0]: MARK[1], "ganeti-instance": instance})
    ours: Operation = {
        "op": "select",
        "table": "Interface",
        "where": [["external_ids", "includes", marks]],
        "columns": ["name"],
    }
    return {row["name"] for row in session.transact([ours])[0]["rows"]}
