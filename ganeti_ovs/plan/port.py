"""A NIC's port: the rows it wants, and the operations that put them there or take them away."""

from __future__ import annotations

from ganeti_ovs.model import plug
from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.value import frozen
from ganeti_ovs.plan.limits import policing, shaping
from ganeti_ovs.plan.wire import (
    MARK,
    comment,
    delete,
    insert,
    named,
    ovs_map,
    ovs_set,
    select,
    uuid,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.plan.wire import Operation, Operations

QOS_TYPE = "linux-htb"
_VLAN_MODES = {"access": "access", "trunk": "trunk", "hybrid": "native-untagged"}


@frozen
class Found:
    """The rows that a tap has in OVSDB already. All names are row UUIDs."""

    tap: str
    port: str
    port_name: str
    interface_type: str
    interfaces: tuple[str, ...]
    marked: bool
    """True if the Interface row carries our mark."""
    iface_id: str
    """external_ids:iface-id of the Interface: the UUID of the NIC it was made for."""
    qos: tuple[str, ...] = ()
    """The port's QoS row, if it is ours and no other port's, too."""
    queues: tuple[str, ...] = ()
    """The Queue rows of that QoS row that are ours and of no other QoS row."""
    plug: str = ""
    """external_ids:ganeti-ovs-plug of the Interface: the plug it was made for."""


def ids(nic: Nic) -> dict[str, str]:
    """external_ids that all rows of the NIC carry."""
    return {MARK[0]: MARK[1], "ganeti-instance": nic.instance, "ganeti-nic": str(nic.index)}


def vlan_columns(nic: Nic) -> dict[str, object]:
    """Port's VLAN columns, all three always written (vswitch.xml, Port, "VLAN Configuration").

    NOTE: without vlan_mode, OVS makes any port that has a tag an access port;
    empty trunks mean all VLANs, so only a trunk may leave them empty.
    """
    return {
        "vlan_mode": _VLAN_MODES[nic.port_type],
        "tag": ovs_set(() if nic.vlan.native is None else (nic.vlan.native,)),
        "trunks": ovs_set(nic.vlan.trunks),
    }


def interface_row(nic: Nic) -> dict[str, object]:
    """The Interface row; external_ids by OVS's integration guide
    (Documentation/topics/integration.rst).
    """
    rate, burst = policing(nic.max_bandwidth, nic.max_burst)
    return {
        "name": nic.tap,
        "ingress_policing_rate": rate,
        "ingress_policing_burst": burst,
        "external_ids": ovs_map(
            {
                **ids(nic),
                "attached-mac": nic.mac,
                "iface-id": nic.uuid,
                "iface-status": "active",
                **({plug.KEY: nic.plug} if nic.plug else {}),
            }
        ),
    }


def attach(nic: Nic, suffix: str = "") -> Operations:
    """Operations that give the NIC its port. The tap must have no rows yet.

    Their first one makes the transaction fail with "timed out" when the vSwitch
    is not there; the commit fails with "constraint violation" when the tap has
    rows already. Looking for them beforehand would read the whole table: the
    cost of this way does not grow with the number of ports.

    `suffix` keeps the names of rows apart when one transaction attaches several NICs.
    With a limit, they also read the vSwitch's datapath_type, for `polices`.
    """
    marks = ovs_map(ids(nic))
    port: dict[str, object] = {
        "name": nic.tap,
        "interfaces": named(f"interface{suffix}"),
        "external_ids": marks,
        **vlan_columns(nic),
    }
    operations: Operations = [
        {
            "op": "wait",
            "timeout": 0,
            "table": "Bridge",
            "where": [["name", "==", nic.switch]],
            "columns": ["name"],
            "until": "==",
            "rows": [{"name": nic.switch}],
        },
        comment(f"ganeti-ovs: attach {nic.tap} ({nic.instance}, NIC {nic.index}) to {nic.switch}"),
        insert("Interface", f"interface{suffix}", interface_row(nic)),
    ]
    if nic.max_bandwidth:
        operations += insert_qos(nic, suffix)
        port["qos"] = named(f"qos{suffix}")
        operations.append(select("Bridge", "name", nic.switch, ("datapath_type",)))
    return [
        *operations,
        insert("Port", f"port{suffix}", port),
        _ports("insert", named(f"port{suffix}"), ["name", "==", nic.switch]),
    ]


def polices(datapath_type: str) -> bool:
    """True if vSwitches of this Bridge.datapath_type limit what a guest sends.

    NOTE: the userspace datapath reads a tap by a packet socket, and the kernel
    hands frames to those before its ingress qdisc, where the policer is.
    """
    return datapath_type != "netdev"


def insert_qos(nic: Nic, suffix: str) -> Operations:
    """Operations that insert QoS row named("qos" + suffix) and its queue 0."""
    marks = ovs_map(ids(nic))
    qos, queue = shaping(nic.max_bandwidth, nic.max_burst)
    return [
        insert("Queue", f"queue{suffix}", {"other_config": ovs_map(queue), "external_ids": marks}),
        insert(
            "QoS",
            f"qos{suffix}",
            {
                "type": QOS_TYPE,
                "other_config": ovs_map(qos),
                "queues": ["map", [[0, named(f"queue{suffix}")]]],
                "external_ids": marks,
            },
        ),
    ]


def detach(found: Found) -> Operations:
    """Operations that remove a port with its interface, QoS and queues.

    NOTE: QoS and Queue are root tables: they stay when the port goes. And a Port
    that only lost its bridge still counts as referring to its QoS when the
    transaction is checked, so it is deleted, not left to be collected.
    """
    return [
        comment(f"ganeti-ovs: detach {found.tap}"),
        _ports("delete", uuid(found.port), ["ports", "includes", uuid(found.port)]),
        delete("Port", found.port),
        *(delete("QoS", row) for row in found.qos),
        *(delete("Queue", row) for row in found.queues),
    ]


def refuse_foreign(found: Found) -> None:
    """Raise Error if the rows found cannot be a guest's port that was left behind."""
    name = quoted(found.port_name)
    if found.port_name != found.tap or len(found.interfaces) != 1:
        raise Error(f"{found.tap} belongs to port {name}, which is not ours; remove it by hand")
    if found.interface_type not in ("", "system", "tap"):
        raise Error(
            f"Open vSwitch has an interface {found.tap} of type {quoted(found.interface_type)},"
            " which is not ours; remove it by hand"
        )


def _ports(mutator: str, port: object, where: list[object]) -> Operation:
    return {
        "op": "mutate",
        "table": "Bridge",
        "where": [where],
        "mutations": [["ports", mutator, port]],
    }
