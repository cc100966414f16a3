"""Guests' ports in the database: attach one, detach one."""

from __future__ import annotations

from time import monotonic, sleep

from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.operations import Insert, Select, Where, at
from ganeti_ovs.model.rows import Bridge, Interface, Port
from ganeti_ovs.model.value import Frozen
from ganeti_ovs.ovsdb.client import (
    ANSWER_LIMIT,
    DatabaseUnavailable,
    TransactionFailed,
)
from ganeti_ovs.ovsdb.session import NotApplied, Session
from ganeti_ovs.plan import port as plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.rows import Uuid
    from ganeti_ovs.model.taprows import TapRows
    from ganeti_ovs.ovsdb.decode import Reply


class Attached(Frozen):
    """What was done."""

    replaced_foreign: bool
    """True if a stale port of the tap that somebody else had made was replaced."""
    unpoliced: bool
    """True if max_bandwidth does not hold for what the guest sends."""


def attach(session: Session, nic: Nic) -> Attached:
    """Give the NIC its port and wait until ovs-vswitchd really has it.

    A port that the tap has already is replaced; what others have hung on one of this very NIC
    is carried over. Raises Error (one line) when there is no such vSwitch, when a port that is
    not ours is in the way, when ovs-vswitchd does not answer in time or refuses the port; the
    port is taken back then, or the error says what is left. DatabaseUnavailable: nobody answers.
    """
    operations = plan.attach(nic)
    replaced_foreign = made = False
    try:
        try:
            results, cfg = _commit(session, nic, operations)
        except TransactionFailed as err:
            if err.error != "constraint violation":
                raise
            replaced_foreign, operations = _clear(session, nic, operations)
            results, cfg = _commit(session, nic, operations)
        made = True
        bridge = _switch(session, results)
        interface = _inserted(operations, results, Interface.table)
        if bridge.guest_mtu or bridge.has_tree:
            from ganeti_ovs.plan.amend import amend

            more = amend(bridge, interface, _inserted(operations, results, Port.table))
            _results, cfg = session.commit(more)
        session.wait_applied(cfg)
        check_applied(session, interface)
    except BaseException as err:
        # An answer may be lost, but not what was asked for: also where a signal came meanwhile.
        answers = isinstance(err, Error) and not isinstance(err, DatabaseUnavailable)
        if answers and not made and not isinstance(err, NotApplied):
            raise  # There is no port of this call.
        left = take_back(session, nic.tap, nic.plug, answers)
        if isinstance(err, Error):
            unavailable = left and not answers
            raise (DatabaseUnavailable if unavailable else Error)(f"{err}{left}") from err
        raise
    return Attached(replaced_foreign, bool(nic.max_bandwidth) and not bridge.polices)


def detach(session: Session, found: TapRows) -> None:
    """Remove a port with its QoS and queues and wait until ovs-vswitchd has let it go."""
    session.wait_applied(remove(session, found))


def remove(session: Session, found: TapRows) -> int:
    """The same, not waited for: the number of the configuration that is without it."""
    _results, cfg = session.commit(plan.detach(found))
    return cfg


def take_back(session: Session, tap: str, made: str, answers: bool = True) -> str:
    """Remove the port of `tap` if it was made for the plug `made`; not waited for.

    By a new connection where the session's has gone, or `answers` no more: ovsdb-server may be
    on its way back, for which ANSWER_LIMIT seconds are waited. Returns "", or what may be left,
    in words that follow an error's.
    """
    deadline = monotonic() + ANSWER_LIMIT
    try:
        if answers:
            try:
                _remove(session, tap, made)
            except DatabaseUnavailable:
                answers = False
        if not answers:
            _again(session, tap, made, deadline)
    except Error:
        return (
            f"; whether the port {tap} is there is not known: gnt-ovs reconcile removes it, or"
            f" ovs-vsctl --if-exists del-port {tap}"
        )
    return ""


def _again(session: Session, tap: str, made: str, deadline: float) -> None:
    session.close()  # Else the database may go on keeping its lock.
    while True:
        try:
            with Session(session.path, tap, session.limit) as again:
                _remove(again, tap, made)
        except DatabaseUnavailable:
            if monotonic() > deadline:
                raise
            sleep(0.05)
        else:
            return


def _remove(session: Session, tap: str, made: str) -> None:
    from ganeti_ovs.ovsdb.find import find

    session.acquire()
    found = find(session, tap)
    if found is not None and found.marked and found.plug == made:
        remove(session, found)


def _inserted(operations: Operations, results: list[Reply], table: str) -> Uuid:
    """UUID of the row of `table` that was inserted."""
    return next(
        result.uuid
        for operation, result in zip(operations, results, strict=True)
        if isinstance(operation, Insert) and operation.table == table and result.uuid
    )


def _switch(session: Session, results: list[Reply]) -> Bridge:
    """The vSwitch's row, which is the only one that is asked for."""
    rows: list[Bridge] = [row for result in results for row in result.rows]
    if len(rows) != 1:
        raise session.nonsense(f"{len(rows)} rows of {Bridge.table}")
    return rows[0]


def _commit(session: Session, nic: Nic, operations: Operations) -> tuple[list[Reply], int]:
    try:
        return session.commit(operations)
    except TransactionFailed as err:
        if err.error == "timed out":
            raise _no_switch(session, nic.switch) from err
        raise


def _no_switch(session: Session, name: str) -> Error:
    wanted = Select(Port.table, Where("name", name), ("tag", "fake_bridge"))
    ports: tuple[Port, ...] = session.transact([wanted])[0].rows
    if ports and ports[0].fake_bridge:
        return Error(
            f"{name} is a fake bridge (VLAN {ports[0].tag}) of another vSwitch;"
            " set the NIC's link to that vSwitch and its vlan to that VLAN"
        )
    return Error(
        f"this node has no vSwitch {name}; create it (ovs-vsctl add-br {name})"
        " or correct the NIC's link"
    )


def _clear(session: Session, nic: Nic, operations: Operations) -> tuple[bool, Operations]:
    """Remove what the NIC's tap has; True if it was not ours, and what attaches the NIC then.

    NOTE: in a transaction of its own. ovs-vswitchd compares ports by name, so
    one that goes and comes in a single step stays bound to the old device, and
    a tap that was made anew under the same name would be on nothing.
    """
    from ganeti_ovs.ovsdb.find import find  # Not needed as a rule.

    session.acquire()
    found = find(session, nic.tap)
    if found is None:
        return False, operations
    if not found.marked:
        plan.refuse_foreign(found)
    elif found.iface_id == nic.uuid:
        from ganeti_ovs.ovsdb.hanging import read_around
        from ganeti_ovs.plan.carry import hanging_on, into

        (interface, *_) = found.interfaces
        around = read_around(session, (found.port,), (interface,))
        hanging = hanging_on(found.port, interface, around)
        operations = into(operations, hanging.only(nic.switch))
    detach(session, found)
    return not found.marked, operations


def check_applied(session: Session, interface: Uuid) -> None:
    """Raise Error unless ovs-vswitchd has taken the Interface row with UUID `interface`."""
    wanted = Select(Interface.table, at(interface), ("ofport", "error"))
    rows: tuple[Interface, ...] = session.transact([wanted])[0].rows
    if not rows:
        raise Error("another program has removed the port while it was being attached")
    if rows[0].error:
        raise Error(f"ovs-vswitchd refuses the port: {quoted(rows[0].error, 300)}")
    if rows[0].ofport is None or rows[0].ofport < 0:
        raise Error("ovs-vswitchd refuses the port without saying why; see ovs-vswitchd.log")
