"""A NIC's tap comes up, goes down, or is none of Open vSwitch's: the same for every hypervisor."""

from __future__ import annotations

import os
from _socket import if_nametoindex

from ganeti_ovs.cluster.environment import nic_of
from ganeti_ovs.cluster.tags import by_index
from ganeti_ovs.linux.link import Link
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.names import interface_name
from ganeti_ovs.model.value import Frozen
from ganeti_ovs.node import ports, records
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.plan.port import refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.plug import Plug
    from ganeti_ovs.model.taprows import TapRows
    from ganeti_ovs.node.records import Record


class Up(Frozen):
    """A NIC that has been attached, and what its administrator should know of it."""

    unkept: str
    """Why no record of it could be written; empty if one is."""
    replaced_foreign: bool
    """True if a stale port of the tap that somebody else had made was replaced."""
    unpoliced: bool
    """True if max_bandwidth does not hold for what the guest sends."""


def with_index(here: Runtime, said: NicSettings) -> NicSettings:
    """What is said, with the index by which tags mean the NIC. Raises Error."""
    if not by_index(said.tags):
        return said
    from ganeti_ovs.node import plugged

    return plugged.with_index(here, said)


def up(here: Runtime, said: NicSettings) -> Up:
    """Attach the NIC, set its tap up, and keep what is said of it.

    Raises Error, and DatabaseUnavailable when nobody answers; the port is taken back then, or
    the error says what is left.
    """
    nic = nic_of(said)
    link = Link(nic.tap)
    link.check_guest()
    plug = records.plug_now(link.index)
    nic = nic.plugged(plug.text())
    with Session(here.socket, nic.tap, here.limit) as session:
        done = ports.attach(session, nic)
        try:
            link.set_up()
        except Error as err:
            raise Error(f"{err}{ports.take_back(session, nic.tap, nic.plug)}") from err
        # Under the lock: reconciling must not find the port without it.
        unkept = _keep(here, said, plug)
    return Up(unkept, done.replaced_foreign, done.unpoliced)


def down(here: Runtime, said: NicSettings) -> None:
    """Remove the port of the NIC's tap, if it is ours and still this NIC's. Raises Error.

    Repeating it, or a tap without port, is no error. A port of another NIC
    (tap names are reused) or somebody else's stays.
    """
    tap, uuid = interface_name(said.tap, "INTERFACE"), said.uuid.lower()
    with Session(here.socket, tap, here.limit) as session:
        found = _ours(session, tap, uuid)
        if found is not None:
            ports.detach(session, found)
        record = records.read(here, tap)
        if record is None or uuid in ("", record.nic.uuid.lower()):
            _bury(here, said, record)


def take_back(here: Runtime, said: NicSettings) -> None:
    """Remove the port that a call which has failed may have attached; not waited for: whoever
    ends a call that waits for ovs-vswitchd does not want to wait once more. Raises Error.
    """
    tap = interface_name(said.tap, "INTERFACE")
    with Session(here.socket, tap, here.limit) as session:
        found = _ours(session, tap, said.uuid.lower())
        if found is not None:
            ports.remove(session, found)


def clear(here: Runtime, said: NicSettings) -> str:
    """Remove any port that Open vSwitch still has for the tap of a NIC of another mode.

    The tap's name if there was one, else empty. Tap names are reused: left alone, the port of
    the guest before would connect this one to its VLAN as soon as ovs-vswitchd is restarted. A
    node without Open vSwitch is not bothered. Raises Error.
    """
    from ganeti_ovs.ovsdb.find import find

    tap = interface_name(said.tap, "INTERFACE")
    if not os.path.exists(here.socket):
        records.forget(here, tap)
        return ""
    with Session(here.socket, tap, here.limit) as session:
        session.acquire()
        # Whatever it says: it is of a NIC for Open vSwitch.
        records.forget(here, tap)
        found = find(session, tap)
        if found is None:
            return ""
        if not found.marked:
            refuse_foreign(found)
        ports.detach(session, found)
    return tap


def _ours(session: Session, tap: str, uuid: str) -> TapRows | None:
    """The port of `tap` if it is ours and, where `uuid` is given, made for that NIC."""
    from ganeti_ovs.ovsdb.find import find

    session.acquire()
    found = find(session, tap)
    return found if found and found.marked and uuid in ("", found.iface_id) else None


def _bury(here: Runtime, said: NicSettings, record: Record | None) -> None:
    """What is recorded of a NIC that has been taken down.

    NOTE: Ganeti 3.2 takes NICs down while their guests still run. Without a record, what such a
    guest was started with years ago would count.
    """
    try:
        plug = records.plug_now(if_nametoindex(said.tap))
        if record is None or record.plug.same(plug):
            known = record.nic if record is not None else said
            records.write(here, known.but(down="yes"), plug)
            return
    except OSError:
        pass  # The tap has gone, or nothing can be written.
    records.forget(here, said.tap)


def _keep(here: Runtime, said: NicSettings, plug: Plug) -> str:
    """Write the record of what Ganeti has said; why it could not be, or empty."""
    try:
        records.write(here, said, plug)
    except OSError as err:
        return err.strerror or str(err)
    return ""
