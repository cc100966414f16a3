"""When one NIC fails, Ganeti gives up the guest's start: its other NICs' ports must not stay.

No hook follows a start or a migration that failed. Only imported when that happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.names import instance_name, interface_name
from ganeti_ovs.model.operations import Select, Where
from ganeti_ovs.model.rows import MARK, Interface
from ganeti_ovs.node import ports, records
from ganeti_ovs.node.running import running_nics
from ganeti_ovs.ovsdb.find import find
from ganeti_ovs.ovsdb.session import NODE, Session

if TYPE_CHECKING:
    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime


def give_up(here: Runtime, said: NicSettings) -> list[str]:
    """Detach the instance's other ports whose taps no guest holds yet; the taps whose ports went.

    A guest that runs here already (the NIC was being hot-plugged) keeps all
    its ports. Not waited for: the taps go with Ganeti's process in a moment.
    Raises Error: they may still be there.
    """
    tap = interface_name(said.tap, "INTERFACE")
    instance = instance_name(said.instance)
    # The node's lock first, as all do who take locks of several taps.
    with Session(here.socket, NODE, here.limit) as session:
        return _remove(session, here, tap, instance)


def _remove(session: Session, here: Runtime, tap: str, instance: str) -> list[str]:
    session.acquire()
    asked = _ports_of(session, instance) - {tap}
    # Their locks: nobody works at them any more when they are looked at.
    names = (asked - session.also(asked)) & _ports_of(session, instance)
    if names:
        names -= running_nics(here, interfaces()).keys()
    removed = []
    for name in sorted(names):
        found = find(session, name)
        if found is not None and found.marked:
            ports.remove(session, found)
            records.forget(here, name)
            removed.append(name)
    return removed


def _ports_of(session: Session, instance: str) -> set[str]:
    """The taps that have ports of ours for the instance."""
    marks = {MARK[0]: MARK[1], "ganeti-instance": instance}
    ours = Select(Interface.table, Where("external_ids", marks, "includes"), ("name",))
    found: tuple[Interface, ...] = session.transact([ours])[0].rows
    return {interface.name for interface in found}
