"""Guests' ports as they are, read as a whole in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model import plug
from ganeti_ovs.plan.change import Live
from ganeti_ovs.plan.port import Found
from ganeti_ovs.plan.reconcile import Snapshot
from ganeti_ovs.plan.wire import MARK, references

if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.ovsdb.client import Client

    Row = dict[str, Any]
    Tables = dict[str, dict[str, Row]]

_COLUMNS = {
    "Bridge": ("name", "ports"),
    "Port": ("name", "interfaces", "vlan_mode", "tag", "trunks", "qos", "external_ids"),
    "Interface": (
        "name", "type", "ingress_policing_rate", "ingress_policing_burst", "external_ids",
        "ofport", "error",
    ),
    "QoS": ("type", "queues", "other_config", "external_ids"),
    "Queue": ("other_config", "external_ids"),
}  # fmt: skip


def read_snapshot(client: Client) -> Snapshot:
    """All that reconciling looks at in the database."""
    tables = client.read(_COLUMNS)
    users = _users(tables)
    live: dict[str, Live] = {}
    for bridge in tables["Bridge"].values():
        for reference in references(bridge["ports"]):
            port = tables["Port"][reference]
            interfaces = references(port["interfaces"])
            interface = tables["Interface"][interfaces[0]]
            if len(interfaces) == 1 and interface["name"] == port["name"]:
                live[str(port["name"])] = _live(bridge["name"], port, interface, tables, users)
    return Snapshot(
        live=live,
        odd=_odd(tables, live),
        switches=frozenset(row["name"] for row in tables["Bridge"].values()),
        orphans=_orphans(tables, users),
    )


def _users(tables: Tables) -> dict[str, int]:
    """UUID of a QoS or Queue row -> how many Port or QoS rows refer to it."""
    users: dict[str, int] = {}
    for port in tables["Port"].values():
        for reference in references(port["qos"]):
            users[reference] = users.get(reference, 0) + 1
    for qos in tables["QoS"].values():
        for reference in {queue[1] for _number, queue in qos["queues"][1]}:
            users[reference] = users.get(reference, 0) + 1
    return users


def _odd(tables: Tables, live: dict[str, Live]) -> dict[str, str]:
    """Names of interfaces and ports that are no plain port of their own -> what they are."""
    odd = {str(row["name"]): "a port of several interfaces" for row in tables["Port"].values()}
    for port in tables["Port"].values():
        for reference in references(port["interfaces"]):
            interface = tables["Interface"][reference]
            if interface["name"] != port["name"]:
                odd[str(interface["name"])] = f"part of port {port['name']}"
    return {name: what for name, what in odd.items() if name not in live}


def _orphans(tables: Tables, users: dict[str, int]) -> tuple[tuple[str, str], ...]:
    """(table, row UUID) of ours that no port uses: QoS rows, and queues of these or of none."""
    qos = [key for key, row in tables["QoS"].items() if _marked(row) and not users.get(key)]
    gone: dict[str, int] = {}
    for key in qos:
        for reference in {queue[1] for _number, queue in tables["QoS"][key]["queues"][1]}:
            gone[reference] = gone.get(reference, 0) + 1
    queues = [
        key
        for key, row in tables["Queue"].items()
        if _marked(row) and users.get(key, 0) == gone.get(key, 0)
    ]
    return (*(("QoS", key) for key in qos), *(("Queue", key) for key in queues))


def _live(switch: str, port: Row, interface: Row, tables: Tables, users: dict[str, int]) -> Live:
    marks = dict(interface["external_ids"][1])
    ours = [
        tables["QoS"][row]
        for row in references(port["qos"])
        if _marked(tables["QoS"][row]) and users[row] == 1
    ]
    queues = {
        number: tables["Queue"][queue[1]]
        for qos in ours
        for number, queue in qos["queues"][1]
        if _marked(tables["Queue"][queue[1]]) and users[queue[1]] == 1
    }
    return Live(
        found=Found(
            tap=port["name"],
            port=port["_uuid"][1],
            port_name=port["name"],
            interface_type=interface["type"],
            interfaces=(interface["_uuid"][1],),
            marked=_marked(interface),
            iface_id=marks.get("iface-id", ""),
            qos=tuple(qos["_uuid"][1] for qos in ours),
            queues=tuple(queue["_uuid"][1] for queue in queues.values()),
            plug=marks.get(plug.KEY, ""),
        ),
        switch=switch,
        port=port,
        interface=interface,
        qos=ours[0] if ours else None,
        queue=queues.get(0),
    )


def _marked(row: Row) -> bool:
    return [*MARK] in row["external_ids"][1]
