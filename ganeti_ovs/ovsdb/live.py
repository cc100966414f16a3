"""Guests' ports as they are, read as a whole, and changed while they are in use."""

from __future__ import annotations

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb.ports import verify
from ganeti_ovs.plan.change import Live, change
from ganeti_ovs.plan.port import Found
from ganeti_ovs.plan.wire import MARK, references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.ovsdb.session import Session

    Row = dict[str, Any]

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


def read_live(client: Client) -> dict[str, Live]:
    """Every port with a single interface of its own name, by that name; one transaction.

    Ports of others are among them: `found.marked` says whose they are.
    """
    tables = client.read(_COLUMNS)
    live = {}
    for bridge in tables["Bridge"].values():
        for reference in references(bridge["ports"]):
            port = tables["Port"][reference]
            interfaces = references(port["interfaces"])
            interface = tables["Interface"][interfaces[0]]
            if len(interfaces) == 1 and interface["name"] == port["name"]:
                live[str(port["name"])] = _live(str(bridge["name"]), port, interface, tables)
    return live


def adjust(session: Session, nic: Nic) -> bool:
    """Bring the NIC's port to what `nic` wants while the guest uses it.

    True if anything had to be changed; then ovs-vswitchd has applied it.
    Raises Error when the NIC has no port of ours on its vSwitch, or the change
    is not applied. NOTE: a time-out is not a roll-back, and the state before
    was not what is wanted: the change stays.
    """
    session.acquire()
    live = read_live(session).get(nic.tap)
    if live is None or not live.found.marked or live.found.iface_id != nic.uuid:
        raise Error(f"{nic.tap} has no port of this NIC")
    if live.switch != nic.switch:
        raise Error(f"{nic.tap} is on vSwitch {live.switch}; moving it needs a hot-plug or restart")
    operations = change(nic, live)
    if not operations:
        return False
    _results, cfg = session.commit(operations)
    session.wait_applied(cfg)
    verify(session, live.found.interfaces[0])
    return True


def _live(switch: str, port: Row, interface: Row, tables: dict[str, dict[str, Row]]) -> Live:
    marks = dict(interface["external_ids"][1])
    ours = [tables["QoS"][row] for row in references(port["qos"]) if _marked(tables["QoS"][row])]
    queues = {
        number: tables["Queue"][queue[1]]
        for qos in ours
        for number, queue in qos["queues"][1]
        if _marked(tables["Queue"][queue[1]])
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
        ),
        switch=switch,
        port=port,
        interface=interface,
        qos=ours[0] if ours else None,
        queue=queues.get(0),
    )


def _marked(row: Row) -> bool:
    return [*MARK] in row["external_ids"][1]
