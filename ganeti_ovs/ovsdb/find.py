"""The port that a tap has in the database, with all that goes with it."""

from __future__ import annotations

from ganeti_ovs.model import plug
from ganeti_ovs.plan import port as plan
from ganeti_ovs.plan.wire import MARK, references, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.plan.wire import Operation

_PORT_COLUMNS = ("_uuid", "name", "interfaces", "qos")


def find(client: Client, tap: str) -> plan.Found | None:
    """The rows that `tap` has, or None. Reads the Port and Interface tables through once."""
    interfaces, ports = (
        result["rows"]
        for result in client.transact(
            [
                select("Interface", "name", tap, ("_uuid", "type", "external_ids")),
                select("Port", "name", tap, _PORT_COLUMNS),
            ]
        )
    )
    if interfaces and not ports:
        # The interface is part of somebody's bond.
        ports = client.transact(
            [_including("Port", "interfaces", interfaces[0]["_uuid"], _PORT_COLUMNS)]
        )[0]["rows"]
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
        plug=marks.get(plug.KEY, ""),
    )


def switch_names(client: Client) -> set[str]:
    """The vSwitches of this node."""
    operation: Operation = {"op": "select", "table": "Bridge", "where": [], "columns": ["name"]}
    return {row["name"] for row in client.transact([operation])[0]["rows"]}


def _including(table: str, column: str, value: object, columns: tuple[str, ...]) -> Operation:
    return {**select(table, column, value, columns), "where": [[column, "includes", value]]}


def _our_qos(client: Client, rows: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What goes with the port: its QoS rows and their queues that are ours and nobody else's."""
    qos: list[str] = []
    queues: list[str] = []
    for row in rows:
        reference = ["uuid", row]
        (found, ports) = (
            result["rows"]
            for result in client.transact(
                [
                    select("QoS", "_uuid", reference, ("queues", "external_ids")),
                    _including("Port", "qos", reference, ("_uuid",)),
                ]
            )
        )
        if not found or [*MARK] not in found[0]["external_ids"][1] or len(ports) > 1:
            continue
        qos.append(row)
        for _number, queue in found[0]["queues"][1]:
            # NOTE: no condition of OVSDB finds a map by its values alone; and rows that are the
            # same in the columns asked for come once (ovsdb_query_distinct).
            (marks, others) = (
                result["rows"]
                for result in client.transact(
                    [
                        select("Queue", "_uuid", queue, ("external_ids",)),
                        {
                            "op": "select",
                            "table": "QoS",
                            "where": [],
                            "columns": ["_uuid", "queues"],
                        },
                    ]
                )
            )
            users = sum(queue in [one for _n, one in other["queues"][1]] for other in others)
            if marks and [*MARK] in marks[0]["external_ids"][1] and users == 1:
                queues.append(queue[1])
    return tuple(qos), tuple(queues)
