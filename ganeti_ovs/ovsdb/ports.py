"""Guests' ports in the database: attach one, find one, detach one."""

from __future__ import annotations

from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.value import frozen
from ganeti_ovs.ovsdb.client import Client, DatabaseUnavailable, TransactionFailed
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.plan import port as plan
from ganeti_ovs.plan.wire import MARK, references, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.plan.wire import Operation, Operations


@frozen
class Attached:
    """What was done."""

    replaced_foreign: bool
    """True if a stale port of the tap that somebody else had made was replaced."""
    unpoliced: bool
    """True if max_bandwidth does not hold for what the guest sends."""


def attach(session: Session, nic: Nic) -> Attached:
    """Give the NIC its port and wait until ovs-vswitchd really has it.

    A port that the tap has already is replaced. Raises Error (one line) when
    there is no such vSwitch, when a port that is not ours is in the way, when
    ovs-vswitchd does not answer in time or refuses the port; the port is taken
    back then, or the error says what is left.
    """
    operations = plan.attach(nic)
    replaced_foreign = False
    try:
        results, cfg = _commit(session, nic, operations)
    except TransactionFailed as err:
        if err.error != "constraint violation":
            raise
        replaced_foreign = _clear(session, nic.tap)
        results, cfg = _commit(session, nic, operations)
    inserted = {
        str(operation["table"]): str(result["uuid"][1])
        for operation, result in zip(operations, results)
        if operation["op"] == "insert"
    }
    unpoliced = any(
        not plan.polices(row["datapath_type"])
        for operation, result in zip(operations, results)
        if operation["op"] == "select"
        for row in result["rows"]
    )
    try:
        session.wait_applied(cfg)
        verify(session, inserted["Interface"])
    except BaseException as err:
        left = _take_back(session, nic, inserted)
        if left and isinstance(err, Error):
            raise Error(f"{err}; {left}") from None
        raise
    return Attached(replaced_foreign, unpoliced)


def find(client: Client, tap: str) -> plan.Found | None:
    """The rows that `tap` has, or None. Reads the Port and Interface tables through once."""
    interfaces, ports = (
        result["rows"]
        for result in client.transact(
            [
                select("Interface", "name", tap, ("_uuid", "type", "external_ids")),
                select("Port", "name", tap, ("_uuid", "name", "interfaces", "qos")),
            ]
        )
    )
    if interfaces and not ports:
        # The interface is part of somebody's bond.
        holder: Operation = {
            "op": "select",
            "table": "Port",
            "where": [["interfaces", "includes", interfaces[0]["_uuid"]]],
            "columns": ["_uuid", "name", "interfaces", "qos"],
        }
        ports = client.transact([holder])[0]["rows"]
    if not ports:
        return None
    port = ports[0]
    interface: dict[str, Any] = (
        interfaces[0] if interfaces else {"type": "?", "external_ids": ["map", []]}
    )
    marks = dict(interface["external_ids"][1])
    qos, queues = _our_qos(client, references(port["qos"]))
    return plan.Found(
        tap=tap,
        port=port["_uuid"][1],
        port_name=port["name"],
        interface_type=interface["type"],
        interfaces=references(port["interfaces"]),
        marked=marks.get(MARK[0]) == MARK[1],
        iface_id=marks.get("iface-id", ""),
        qos=qos,
        queues=queues,
    )


def detach(session: Session, found: plan.Found) -> None:
    """Remove a port with its QoS and queues and wait until ovs-vswitchd has let it go."""
    _results, cfg = session.commit(plan.detach(found))
    session.wait_applied(cfg)


def _commit(session: Session, nic: Nic, operations: Operations) -> tuple[list[dict[str, Any]], int]:
    try:
        return session.commit(operations)
    except TransactionFailed as err:
        if err.error == "timed out":
            raise _no_switch(session, nic.switch) from None
        raise
    except DatabaseUnavailable as err:
        raise DatabaseUnavailable(f"{err} Whether {nic.tap} was attached is not known") from None


def _no_switch(session: Session, name: str) -> Error:
    ports = session.transact([select("Port", "name", name, ("tag", "fake_bridge"))])[0]["rows"]
    if ports and ports[0]["fake_bridge"] is True:
        return Error(
            f"{name} is a fake bridge (VLAN {ports[0]['tag']}) of another vSwitch;"
            " set the NIC's link to that vSwitch and its vlan to that VLAN"
        )
    return Error(
        f"this node has no vSwitch {name}; create it (ovs-vsctl add-br {name})"
        " or correct the NIC's link"
    )


def _clear(session: Session, tap: str) -> bool:
    """Remove what `tap` has; True if it was not ours.

    NOTE: in a transaction of its own. ovs-vswitchd compares ports by name, so
    one that goes and comes in a single step stays bound to the old device, and
    a tap that was made anew under the same name would be on nothing.
    """
    session.acquire()
    found = find(session, tap)
    if found is None:
        return False
    if not found.marked:
        plan.refuse_foreign(found)
    detach(session, found)
    return not found.marked


def verify(session: Session, interface: str) -> None:
    """Raise Error unless ovs-vswitchd has taken the Interface row with UUID `interface`."""
    row = session.transact([select("Interface", "_uuid", ["uuid", interface], ("ofport", "error"))])
    rows = row[0]["rows"]
    if not rows:
        raise Error("another program has removed the port while it was being attached")
    # An optional column is the bare value, or an empty set.
    ofport, error = rows[0]["ofport"], rows[0]["error"]
    if isinstance(error, str) and error:
        raise Error(f"ovs-vswitchd refuses the port: {quoted(error, 300)}")
    if not isinstance(ofport, int) or ofport < 0:
        raise Error("ovs-vswitchd refuses the port without saying why; see ovs-vswitchd.log")


def _take_back(session: Session, nic: Nic, inserted: dict[str, str]) -> str:
    """Remove the rows just inserted; return "" or a word about what is left."""
    ours = plan.Found(
        tap=nic.tap,
        port=inserted["Port"],
        port_name=nic.tap,
        interface_type="",
        interfaces=(inserted["Interface"],),
        marked=True,
        iface_id=nic.uuid,
        qos=tuple(inserted[t] for t in ("QoS",) if t in inserted),
        queues=tuple(inserted[t] for t in ("Queue",) if t in inserted),
    )
    try:
        session.commit(plan.detach(ours))
    except Error:
        # ovsdb-server may have been restarted; then a new connection works.
        try:
            with Client(session.path) as client:
                client.transact(plan.detach(ours))
        except Error:
            return (
                f"the port {nic.tap} could not be taken back:"
                f" remove it with ovs-vsctl --if-exists del-port {nic.tap}"
            )
    return ""


def _our_qos(client: Client, rows: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    qos: list[str] = []
    queues: list[str] = []
    for row in rows:
        columns = ("queues", "external_ids")
        for found in client.transact([select("QoS", "_uuid", ["uuid", row], columns)])[0]["rows"]:
            if [*MARK] not in found["external_ids"][1]:
                continue
            qos.append(row)
            for _number, queue in found["queues"][1]:
                wanted = select("Queue", "_uuid", queue, ("external_ids",))
                marks = client.transact([wanted])[0]["rows"]
                if marks and [*MARK] in marks[0]["external_ids"][1]:
                    queues.append(queue[1])
    return tuple(qos), tuple(queues)
