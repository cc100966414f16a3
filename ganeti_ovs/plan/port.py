"""A NIC's port: the rows it wants, and the operations that put them there or take them away."""

from __future__ import annotations

from ganeti_ovs.model import plug
from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.operations import (
    Comment,
    Delete,
    Insert,
    Mutate,
    Mutation,
    Select,
    Wait,
    Where,
)
from ganeti_ovs.model.rows import (
    MARK,
    MTU_BEFORE,
    TAP_MTU,
    Bridge,
    Interface,
    Named,
    Port,
    QoS,
    Queue,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.operations import Operation, Operations
    from ganeti_ovs.model.rows import Uuid
    from ganeti_ovs.model.taprows import TapRows

QOS_TYPE = "linux-htb"
NO_TREE = {"rstp-enable": "false", "stp-enable": "false"}
"""Port's other_config of guests, who take no part in spanning trees (vswitch.xml, Port)."""
_OF_SWITCH = ("datapath_type", "rstp_enable", "stp_enable", "external_ids")
"""Columns of the vSwitch that a port depends on."""
VLAN_MODES = {"access": "access", "trunk": "trunk", "hybrid": "native-untagged"}
"""Port type -> Port.vlan_mode."""


def ids(nic: Nic) -> dict[str, str]:
    """external_ids that all rows of the NIC carry."""
    return {MARK[0]: MARK[1], "ganeti-instance": nic.instance, "ganeti-nic": str(nic.index)}


def vlan_columns(nic: Nic) -> dict[str, object]:
    """Port's VLAN columns, all three always written (vswitch.xml, Port, "VLAN Configuration").

    NOTE: without vlan_mode, OVS makes any port that has a tag an access port;
    empty trunks mean all VLANs, so only a trunk may leave them empty.
    """
    return {
        "vlan_mode": VLAN_MODES[nic.port_type],
        "tag": nic.vlan.native,
        "trunks": frozenset(nic.vlan.trunks),
    }


def interface_ids(nic: Nic) -> dict[str, str]:
    """external_ids of the Interface row, by OVS's integration guide
    (Documentation/topics/integration.rst).
    """
    return {
        **ids(nic),
        "attached-mac": nic.mac,
        "iface-id": nic.uuid,
        "iface-status": "active",
        **({plug.KEY: nic.plug} if nic.plug else {}),
    }


def interface_row(nic: Nic, mtu: int = 0) -> dict[str, object]:
    """The Interface row. `mtu`: what its vSwitch has for guests (bytes); 0: nothing."""
    rate = burst = 0
    if nic.max_bandwidth:
        from ganeti_ovs.plan.limits import policing  # Most NICs have no limit.

        rate, burst = policing(nic.max_bandwidth, nic.max_burst)
    row: dict[str, object] = {
        "name": nic.tap,
        "ingress_policing_rate": rate,
        "ingress_policing_burst": burst,
        "external_ids": interface_ids(nic),
    }
    if mtu:
        row["mtu_request"] = mtu
        row["external_ids"] = {**interface_ids(nic), MTU_BEFORE: str(TAP_MTU)}
    return row


def tree_config(bridge: Bridge | None) -> dict[str, str]:
    """What a new guest's port has in other_config on this vSwitch; None: one without a tree.

    NOTE: Open vSwitch (3.1 to 3.7.1 at least) keeps broadcasts for good from a port that is
    added while the bridge runs a tree and that takes no part in it (bundle_add_port).
    """
    return {} if bridge is not None and bridge.has_tree else NO_TREE


def attach(nic: Nic, suffix: str = "", bridge: Bridge | None = None) -> Operations:
    """Operations that give the NIC its port. The tap must have no rows yet.

    Their first one makes the transaction fail with "timed out" when the vSwitch
    is not there; the commit fails with "constraint violation" when the tap has
    rows already. Looking for them beforehand would read the whole table: the
    cost of this way does not grow with the number of ports.

    `suffix` keeps the names of rows apart when one transaction attaches several NICs. Who does
    not know the vSwitch's row `bridge` gets of it what it takes for `ganeti_ovs.plan.amend`.
    """
    switch = Where("name", nic.switch)
    mtu = bridge.guest_mtu if bridge is not None else 0
    port: dict[str, object] = {
        "name": nic.tap,
        "interfaces": frozenset({Named(f"interface{suffix}")}),
        "external_ids": ids(nic),
        "other_config": tree_config(bridge),
        **vlan_columns(nic),
    }
    operations: Operations = [
        Wait(Bridge.table, switch, {"name": nic.switch}),
        Comment(f"ganeti-ovs: attach {nic.tap} ({nic.instance}, NIC {nic.index}) to {nic.switch}"),
        Insert(Interface.table, f"interface{suffix}", interface_row(nic, mtu)),
    ]
    if nic.max_bandwidth:
        operations += insert_qos(nic, suffix)
        port["qos"] = frozenset({Named(f"qos{suffix}")})
    if bridge is None:
        operations.append(Select(Bridge.table, switch, _OF_SWITCH))
    return [
        *operations,
        Insert(Port.table, f"port{suffix}", port),
        _ports("insert", Named(f"port{suffix}"), switch),
    ]


def insert_qos(nic: Nic, suffix: str) -> Operations:
    """Operations that insert QoS row Named("qos" + suffix) and its queue 0."""
    from ganeti_ovs.plan.limits import shaping

    marks = ids(nic)
    qos, queue = shaping(nic.max_bandwidth, nic.max_burst)
    name = f"queue{suffix}"
    columns = {
        "type": QOS_TYPE,
        "other_config": qos,
        "queues": {0: Named(name)},
        "external_ids": marks,
    }
    return [
        Insert(Queue.table, name, {"other_config": queue, "external_ids": marks}),
        Insert(QoS.table, f"qos{suffix}", columns),
    ]


def detach(found: TapRows) -> Operations:
    """Operations that remove a port with its interface, QoS and queues.

    NOTE: QoS and Queue are root tables: they stay when the port goes. And a Port
    that only lost its bridge still counts as referring to its QoS when the
    transaction is checked, so it is deleted, not left to be collected.
    """
    return [
        Comment(f"ganeti-ovs: detach {found.tap}"),
        _ports("delete", found.port, Where("ports", found.port, "includes")),
        Delete(Port.table, found.port),
        *drop_qos(found),
    ]


def drop_qos(found: TapRows) -> Operations:
    """Operations that delete the port's QoS and Queue rows that are ours alone."""
    return [
        *(Delete(QoS.table, row) for row in found.qos),
        *(Delete(Queue.table, row) for row in found.queues),
    ]


def refuse_foreign(found: TapRows) -> None:
    """Raise Error if the rows found cannot be a guest's port that was left behind."""
    name = quoted(found.port_name)
    if found.port_name != found.tap or len(found.interfaces) != 1:
        raise Error(f"{found.tap} belongs to port {name}, which is not ours; remove it by hand")
    if found.interface_type not in ("", "system", "tap"):
        raise Error(
            f"Open vSwitch has an interface {found.tap} of type {quoted(found.interface_type)},"
            " which is not ours; remove it by hand"
        )


def _ports(mutator: str, port: Uuid | Named, where: Where) -> Operation:
    return Mutate(Bridge.table, where, (Mutation("ports", mutator, frozenset({port})),))
