"""Up and down of one NIC, the same for every hypervisor and Ganeti version."""

from __future__ import annotations

import os
import sys
from _socket import if_nametoindex

from ganeti_ovs.cluster.environment import nic_from_environment, where
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.linux.link import Link
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.names import interface_name
from ganeti_ovs.node import records
from ganeti_ovs.ovsdb import ports
from ganeti_ovs.ovsdb.client import DatabaseUnavailable, default_socket
from ganeti_ovs.ovsdb.session import Session, apply_limit
from ganeti_ovs.plan.port import refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.plug import Plug
    from ganeti_ovs.node.records import Record

    Environment = dict[str, str]


def up(environ: Environment) -> int:
    """Attach the NIC that `environ` describes, then set its tap up.

    Returns the exit code: 0, or 1 after one line on standard error.
    """
    # Words of our records, not of Ganeti's environment.
    environ = {**environ, "TAGS_INDEX": "", "DOWN": ""}
    try:
        if _has_indices(environ.get("TAGS", "")):
            from ganeti_ovs.node import plugged as indices

            environ = indices.settled(environ)
        nic = nic_from_environment(environ)
        link = Link(nic.tap)
        link.check_guest()
        plug = records.plug_now(link.index)
        nic = nic.plugged(plug.text())
        with Session(default_socket(environ), nic.tap, apply_limit(environ)) as session:
            done = ports.attach(session, nic)
            try:
                link.set_up()
            except Error as err:
                raise Error(f"{err}{ports.take_back(session, nic.tap, nic.plug)}") from err
            # Under the lock: reconciling must not find the port without it.
            unkept = _keep(environ, plug)
    except DatabaseUnavailable as err:
        # To try again for its other NICs would only take more time.
        return fail(environ, err, _others(environ))
    except Error as err:
        return fail(environ, err, give_up(environ))
    if unkept:
        say(environ, f"warning: no record for gnt-ovs reconcile could be written: {unkept}")
    if done.replaced_foreign:
        say(environ, f"warning: replaced a stale port {nic.tap} that was not ours")
    if done.unpoliced:
        say(
            environ,
            "warning: max_bandwidth holds only for what the guest receives:"
            f" {nic.switch} uses the userspace datapath, which cannot police",
        )
    return 0


def down(environ: Environment) -> int:
    """Remove the port that INTERFACE has, if it is ours and still this NIC's.

    Repeating it, or a tap without port, is no error. A port of another NIC
    (tap names are reused) or somebody else's stays.
    """
    try:
        tap = interface_name(environ.get("INTERFACE", ""), "INTERFACE")
        uuid = environ.get("INTERFACE_UUID", "").lower()
        with Session(default_socket(environ), tap, apply_limit(environ)) as session:
            down_port(session, tap, uuid)
            record = records.read(environ, tap)
            if record is None or uuid in ("", record.nic.get("INTERFACE_UUID", "").lower()):
                _bury(environ, tap, record)
    except Error as err:
        return fail(environ, err)
    return 0


def down_port(session: Session, tap: str, uuid: str) -> None:
    """Detach `tap` if its port is ours and, where `uuid` is given, made for that NIC."""
    from ganeti_ovs.ovsdb.find import find

    session.acquire()
    found = find(session, tap)
    if found is not None and found.marked and uuid in ("", found.iface_id):
        ports.detach(session, found)


def _bury(environ: Environment, tap: str, record: Record | None) -> None:
    """What is recorded of a NIC that has been taken down.

    NOTE: Ganeti 3.2 takes NICs down while their guests still run. Without a record, what such a
    guest was started with years ago would count.
    """
    try:
        plug = records.plug_now(if_nametoindex(tap))
        if record is None or record.plug.same(plug):
            known = record.nic if record is not None else environ
            records.write(environ, {**known, "INTERFACE": tap, "DOWN": "yes"}, plug)
            return
    except OSError:
        pass  # The tap has gone, or nothing can be written.
    records.forget(environ, tap)


def clear(environ: Environment) -> None:
    """Remove any port that Open vSwitch still has for the tap of a NIC of another mode.

    Tap names are reused: left alone, the port of the guest before would connect
    this one to its VLAN as soon as ovs-vswitchd is restarted. A node without
    Open vSwitch is not bothered; failure is a warning.
    """
    from ganeti_ovs.ovsdb.find import find

    path = default_socket(environ)
    try:
        tap = interface_name(environ.get("INTERFACE", ""), "INTERFACE")
        if not os.path.exists(path):
            records.forget(environ, tap)
            return
        with Session(path, tap, apply_limit(environ)) as session:
            session.acquire()
            # Whatever it says: it is of a NIC for Open vSwitch.
            records.forget(environ, tap)
            found = find(session, tap)
            if found is None:
                return
            if not found.marked:
                refuse_foreign(found)
            ports.detach(session, found)
    except Error as err:
        trace()
        say(environ, f"warning: Open vSwitch may still have a port for this interface: {err}")
    else:
        say(environ, f"warning: removed a stale Open vSwitch port {tap}")


def _has_indices(tags: str) -> bool:
    """True if a tag names a NIC by its index."""
    return any(tag[:8] == "ovs:nic:" and tag[8:9].isdigit() for tag in tags.split())


def _keep(environ: Environment, plug: Plug) -> str:
    """Write the record of what Ganeti has said; why it could not be, or empty."""
    try:
        records.write(environ, environ, plug)
    except OSError as err:
        return err.strerror or str(err)
    return ""


def fail(environ: Environment, err: Error, more: str = "") -> int:
    """Tell what is wrong and where, and return exit code 1."""
    trace()
    say(environ, f"{err}{more}")
    return 1


def give_up(environ: Environment) -> str:
    """After a failure, which ends the whole start of the guest (`siblings`); a word about it."""
    from ganeti_ovs.node import siblings

    try:
        return siblings.give_up(environ)
    except Error:
        # The error before it is the one to be told.
        return _others(environ)


def _others(environ: Environment) -> str:
    """What may be left of the guest's other NICs, in words that follow an error's."""
    if environ.get("INTERFACE_INDEX") in (None, "", "0"):
        return ""
    return "; gnt-ovs reconcile removes ports of the same start that are left"


def say(environ: Environment, text: str) -> None:
    """One line on standard error and in the system's log.

    Both, as Ganeti shows a script's output only when the script fails.
    """
    from syslog import LOG_DAEMON, LOG_WARNING, openlog, syslog

    line = f"{where(environ)}: {text}"
    print(f"ganeti-ovs: {line}", file=sys.stderr)
    openlog("ganeti-ovs", 0, LOG_DAEMON)
    syslog(LOG_WARNING, line)
