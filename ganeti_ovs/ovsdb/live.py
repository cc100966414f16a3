"""Guests' ports as they are, read as a whole in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model import plug
from ganeti_ovs.model.rows import Bridge, Interface, Port, QoS, Queue
from ganeti_ovs.model.snapshot import Live, Snapshot
from ganeti_ovs.model.taprows import TapRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.rows import Tables, Uuid
    from ganeti_ovs.ovsdb.client import Client

_COLUMNS = {
    "Bridge": ("name", "ports", "rstp_enable", "stp_enable", "external_ids"),
    "Port": (
        "name", "interfaces", "vlan_mode", "tag", "trunks", "qos", "external_ids", "other_config",
    ),
    "Interface": (
        "name", "type", "ingress_policing_rate", "ingress_policing_burst", "external_ids",
        "ofport", "error", "mtu_request",
    ),
    "QoS": ("type", "queues", "other_config", "external_ids"),
    "Queue": ("other_config", "external_ids"),
}  # fmt: skip


def read_snapshot(client: Client) -> Snapshot:
    """All that reconciling looks at in the database."""
    return snapshot(client.read(_COLUMNS))


def snapshot(tables: Tables) -> Snapshot:
    """The guests' ports in rows of one moment."""
    users = _users(tables)
    live: dict[str, Live] = {}
    bridges = tables.of(Bridge).values()
    for bridge in bridges:
        for reference in bridge.ports:
            port = tables.of(Port)[reference]
            interfaces = [tables.of(Interface)[one] for one in port.interfaces]
            if len(interfaces) == 1 and interfaces[0].name == port.name:
                live[port.name] = _live(bridge.name, port, interfaces[0], tables, users)
    return Snapshot(
        live=live,
        odd=_odd(tables, live),
        switches=frozenset(bridge.name for bridge in bridges),
        bridges={bridge.name: bridge for bridge in bridges},
        orphans=_orphans(tables, users),
    )


def _users(tables: Tables) -> dict[Uuid, int]:
    """UUID of a QoS or Queue row -> how many Port or QoS rows refer to it."""
    users: dict[Uuid, int] = {}
    for port in tables.of(Port).values():
        for reference in port.qos:
            users[reference] = users.get(reference, 0) + 1
    for qos in tables.of(QoS).values():
        for reference in set(qos.queues.values()):
            users[reference] = users.get(reference, 0) + 1
    return users


def _odd(tables: Tables, live: Mapping[str, Live]) -> dict[str, str]:
    """Names of interfaces and ports that are no plain port of their own -> what they are."""
    ports = tables.of(Port).values()
    odd = {port.name: "a port of several interfaces" for port in ports}
    for port in ports:
        for reference in port.interfaces:
            interface = tables.of(Interface)[reference]
            if interface.name != port.name:
                odd[interface.name] = f"part of port {port.name}"
    return {name: what for name, what in odd.items() if name not in live}


def _orphans(tables: Tables, users: Mapping[Uuid, int]) -> tuple[tuple[str, Uuid], ...]:
    """(table, row) of ours that no port uses: QoS rows, and queues of these or of none."""
    qos = [row for key, row in tables.of(QoS).items() if row.ours and not users.get(key)]
    gone: dict[Uuid, int] = {}
    for row in qos:
        for reference in set(row.queues.values()):
            gone[reference] = gone.get(reference, 0) + 1
    queues = [
        key
        for key, row in tables.of(Queue).items()
        if row.ours and users.get(key, 0) == gone.get(key, 0)
    ]
    return (*((QoS.table, row.uuid) for row in qos), *((Queue.table, key) for key in queues))


def _live(
    switch: str, port: Port, interface: Interface, tables: Tables, users: Mapping[Uuid, int]
) -> Live:
    rows = [tables.of(QoS)[one] for one in port.qos]
    ours = [row for row in rows if row.ours and users[row.uuid] == 1]
    queues = {
        number: tables.of(Queue)[queue]
        for qos in ours
        for number, queue in qos.queues.items()
        if tables.of(Queue)[queue].ours and users[queue] == 1
    }
    return Live(
        found=TapRows(
            tap=port.name,
            port=port.uuid,
            port_name=port.name,
            interface_type=interface.type,
            interfaces=port.interfaces,
            marked=interface.ours,
            iface_id=interface.external_ids.get("iface-id", ""),
            qos=tuple(qos.uuid for qos in ours),
            queues=tuple(queue.uuid for queue in queues.values()),
            plug=interface.external_ids.get(plug.KEY, ""),
        ),
        switch=switch,
        port=port,
        interface=interface,
        qos=ours[0] if ours else None,
        queue=queues.get(0),
    )
