"""This node's vSwitches: what a document wants against what there is."""

from __future__ import annotations

from _socket import if_nameindex

from ganeti_ovs.linux.addresses import carries
from ganeti_ovs.linux.link import Link
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.document import from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.settle import settle
from ganeti_ovs.node.takeback import devices, put_back
from ganeti_ovs.ovsdb import switches
from ganeti_ovs.ovsdb.client import Client, TransactionFailed, default_socket
from ganeti_ovs.ovsdb.session import Session, apply_limit
from ganeti_ovs.plan.found import Found, Host
from ganeti_ovs.plan.vswitch import plan_switches
from ganeti_ovs.plan.words import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.draft import Plan
    from ganeti_ovs.plan.found import Tables

_PATIENCE = 2.0
"""Seconds that a restoration waits for a change that is under way."""


def prepare(
    client: Client, wanted: tuple[VSwitch, ...], environ: Mapping[str, str]
) -> tuple[Plan, switches.Change]:
    """What is to be done for `wanted`, and what it takes to undo it. Changes nothing."""
    tables = switches.read_tables(client)
    plan = plan_switches(wanted, Found(tables), _host(environ))
    return plan, switches.Change([*plan.operations], tables, {}, devices(wanted))


def objections(plan: Plan, force: bool) -> list[str]:
    """Why the plan is not to be carried out, a line each.

    A device that is wrong may be forced, too: ovs-vswitchd then says what it thinks of it.
    """
    return [*plan.errors, *([] if force else [*plan.devices, *plan.refused])]


def set_up(wanted: tuple[VSwitch, ...]) -> list[str]:
    """Set all uplinks administratively up; what could not be.

    NOTE: ovs-vswitchd does not do that for devices that it has not made.
    """
    problems = []
    for switch in wanted:
        for device in switch.uplinks:
            try:
                Link(device).set_up()
            except Error as err:
                problems.append(f"{switch.name}: {err}")
    return problems


def kept(environ: Mapping[str, str]) -> tuple[VSwitch, ...] | None:
    """What the node's own document wants; None if it has none. Raises Error."""
    text = document.load(environ)
    try:
        return None if text is None else from_document(text)[0]
    except BadInput as err:
        raise Error(f"{document.document_path(environ)}: {err}") from err


def restore(
    environ: dict[str, str],
    *,
    database: str | None = None,
    dry_run: bool = False,
) -> tuple[list[str], list[str]]:
    """Bring the node's vSwitches to the document that it keeps: (what was done, problems).

    For a node that has lost its database, without the master. A vSwitch that
    cannot be put right does not keep the others from it; none is removed.
    """
    done: list[str] = []
    problems: list[str] = []
    keeps = False
    try:
        keeps = kept(environ) is not None
    except Error as err:
        problems.append(str(err))
    if not (keeps or pending.exists(environ)):
        return done, problems
    path = database or default_socket(environ)
    try:
        with (
            document.change_lock(environ, _PATIENCE),
            Session(path, switches.LOCK, apply_limit(environ)) as session,
        ):
            session.acquire()
            settled, unsettled = settle(session, environ, dry_run)
            done += settled
            problems += unsettled
            # As it is now: who had the lock before may have kept another one.
            restored = (kept(environ) if keeps else None) or ()
            host = _host(environ) if restored else Host(frozenset())
            for switch in restored:
                plan, tables = _plan_one(session, switch, host)
                against = [*plan.errors, *plan.refused]
                problems += against
                if against:
                    continue
                made = True
                if not dry_run:
                    operations = [*plan.operations]
                    change = switches.Change(operations, tables, {}, devices((switch,)))
                    made, odd = _restore_one(session, switch, change)
                    problems += odd
                if made:
                    done += map(words, plan.changes)
    except Busy as err:
        problems += [str(err)] if keeps else []
    except Error as err:
        problems.append(str(err))
    return done, problems


def _plan_one(session: Session, switch: VSwitch, host: Host) -> tuple[Plan, Tables]:
    tables = switches.read_tables(session)
    return plan_switches((switch,), Found(tables), host, remove=False), tables


def _restore_one(
    session: Session, switch: VSwitch, change: switches.Change
) -> tuple[bool, list[str]]:
    """Whether it was changed, and what is not right afterwards."""
    try:
        switches.commit(session, change, ())
    except TransactionFailed as err:
        return False, [f"{switch.name}: {err}"]
    except Error as err:
        return False, [f"{switch.name}: {err}{put_back(session, change)[1]}"]
    odd = set_up((switch,))
    return True, odd + switches.refused(switches.read_tables(session), (switch,))


def _host(environ: Mapping[str, str]) -> Host:
    devices = frozenset(name for _index, name in if_nameindex())
    return Host(devices, carries(_master(environ)))


def _master(environ: Mapping[str, str]) -> str:
    """The address of who calls by ssh, or ""."""
    return environ.get("SSH_CONNECTION", "").partition(" ")[0]
