"""The port that a tap has in the database, with all that goes with it."""

from __future__ import annotations

from ganeti_ovs.model import plug
from ganeti_ovs.model.operations import Select, Where, at
from ganeti_ovs.model.rows import Bridge, Interface, Port, QoS, Queue
from ganeti_ovs.model.taprows import TapRows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Uuid
    from ganeti_ovs.ovsdb.client import Client

_PORT_COLUMNS = ("_uuid", "name", "interfaces", "qos")


def find(client: Client, tap: str) -> TapRows | None:
    """The rows that `tap` has, or None. Reads the Port and Interface tables through once."""
    name = Where("name", tap)
    by_interface, by_port = client.transact(
        [
            Select(Interface.table, name, ("_uuid", "type", "external_ids")),
            Select(Port.table, name, _PORT_COLUMNS),
        ]
    )
    interfaces: tuple[Interface, ...] = by_interface.rows
    ports: tuple[Port, ...] = by_port.rows
    if interfaces and not ports:
        # The interface is part of somebody's bond.
        holds = Where("interfaces", interfaces[0].uuid, "includes")
        ports = client.transact([Select(Port.table, holds, _PORT_COLUMNS)])[0].rows
    if not ports:
        return None
    port = ports[0]
    interface = interfaces[0] if interfaces else None
    ids = interface.external_ids if interface else {}
    qos, queues = _our_qos(client, port.qos)
    return TapRows(
        tap=tap,
        port=port.uuid,
        port_name=port.name,
        interface_type=interface.type if interface else "?",
        interfaces=port.interfaces,
        marked=interface is not None and interface.ours,
        iface_id=ids.get("iface-id", ""),
        qos=qos,
        queues=queues,
        plug=ids.get(plug.KEY, ""),
    )


def switch_names(client: Client) -> set[str]:
    """The vSwitches of this node."""
    bridges: tuple[Bridge, ...] = client.transact([Select(Bridge.table, None, ("name",))])[0].rows
    return {bridge.name for bridge in bridges}


def _our_qos(
    client: Client, references: frozenset[Uuid]
) -> tuple[tuple[Uuid, ...], tuple[Uuid, ...]]:
    """What goes with the port: its QoS rows and their queues that are ours and nobody else's."""
    qos: list[Uuid] = []
    queues: list[Uuid] = []
    for reference in references:
        by_uuid, users = client.transact(
            [
                Select(QoS.table, at(reference), ("queues", "external_ids")),
                Select(Port.table, Where("qos", reference, "includes"), ("_uuid",)),
            ]
        )
        found: tuple[QoS, ...] = by_uuid.rows
        if not found or not found[0].ours or len(users.rows) > 1:
            continue
        qos.append(reference)
        queues += [one for one in found[0].queues.values() if _is_ours_alone(client, one)]
    return tuple(qos), tuple(queues)


def _is_ours_alone(client: Client, queue: Uuid) -> bool:
    """True if the Queue row is ours and of one QoS row only."""
    # NOTE: no condition of OVSDB finds a map by its values alone; and rows that are the
    # same in the columns asked for come once (ovsdb_query_distinct).
    by_uuid, by_qos = client.transact(
        [
            Select(Queue.table, at(queue), ("external_ids",)),
            Select(QoS.table, None, ("_uuid", "queues")),
        ]
    )
    found: tuple[Queue, ...] = by_uuid.rows
    others: tuple[QoS, ...] = by_qos.rows
    users = sum(queue in one.queues.values() for one in others)
    return bool(found) and found[0].ours and users == 1
