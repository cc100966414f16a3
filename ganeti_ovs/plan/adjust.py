"""Bring a port that is there to what its NIC wants, without taking it away for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model import plug
from ganeti_ovs.model.operations import Comment, Mutate, Mutation, Update, at
from ganeti_ovs.model.rows import MTU_BEFORE, TAP_MTU, Named
from ganeti_ovs.plan.limits import shaping
from ganeti_ovs.plan.port import (
    NO_TREE,
    QOS_TYPE,
    drop_qos,
    ids,
    insert_qos,
    interface_ids,
    interface_row,
    vlan_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.rows import Bridge, Marked, Port, Row
    from ganeti_ovs.model.snapshot import Live


def adjust(
    nic: Nic,
    live: Live,
    suffix: str = "",
    unrecorded: bool = False,
    bridge: Bridge | None = None,
) -> Operations:
    """Operations that make `live` what `nic` wants; none if it is that already.

    The plug's time alone makes no difference, unless `unrecorded`: there is no record of what
    `nic` wants, and the port must tell that an older one does not hold.

    Only columns that differ are written, each row stays the same row: the
    device stays attached and, where there was a limit before, its class is
    changed in place. `suffix` keeps the names of new rows apart when several
    ports are changed in one transaction.
    """
    wanted = interface_row(nic)
    del wanted["external_ids"]
    operations = [
        *_update(live.interface, wanted),
        *_update_ids(live.interface, interface_ids(nic.plugged(""))),
        *_update(live.port, vlan_columns(nic)),
        *_update_ids(live.port, ids(nic)),
        *_limit(nic, live, suffix),
        *(_of_switch(live, bridge) if bridge is not None else []),
    ]
    if operations or unrecorded:
        operations += _update_ids(live.interface, {plug.KEY: nic.plug} if nic.plug else {})
        what = f"ganeti-ovs: change {nic.tap} ({nic.instance}, NIC {nic.index})"
        operations.insert(0, Comment(what))
    return operations


def _limit(nic: Nic, live: Live, suffix: str) -> Operations:
    if not nic.max_bandwidth:
        if not live.port.qos:
            return []
        return [*_update(live.port, {"qos": frozenset()}), *drop_qos(live.found)]
    if live.qos is None or live.queue is None or live.qos.type != QOS_TYPE:
        return [
            *insert_qos(nic, suffix),
            *_update(live.port, {"qos": frozenset({Named(f"qos{suffix}")})}),
            *drop_qos(live.found),
        ]
    qos, queue = shaping(nic.max_bandwidth, nic.max_burst)
    return [
        *_update(live.qos, {"other_config": qos}),
        *_update_ids(live.qos, ids(nic)),
        *_update(live.queue, {"other_config": queue}),
        *_update_ids(live.queue, ids(nic)),
    ]


def _of_switch(live: Live, bridge: Bridge) -> Operations:
    """What the port has for its vSwitch's sake: an MTU, and no part in spanning trees.

    NOTE: a port that leaves a tree that is running gets no broadcasts any more, so it stays.
    """
    mtu = bridge.guest_mtu
    operations = [] if bridge.has_tree else leave_trees(live.port)
    if mtu and live.interface.mtu_request != mtu:
        operations += _update(live.interface, {"mtu_request": mtu})
        operations += _update_ids(live.interface, {MTU_BEFORE: str(TAP_MTU)})
    return operations


def leave_trees(port: Port) -> Operations:
    """Operations by which a guest's port takes no part in spanning trees."""
    config = port.other_config
    if all(config.get(key) == one for key, one in NO_TREE.items()):
        return []
    mutations = (
        Mutation("other_config", "delete", frozenset(NO_TREE)),
        Mutation("other_config", "insert", NO_TREE),
    )
    return [Mutate(port.table, at(port.uuid), mutations)]


def _update(has: Row, wanted: Mapping[str, object]) -> Operations:
    differing = {column: value for column, value in wanted.items() if value != has.columns[column]}
    return [Update(has.table, at(has.uuid), differing)] if differing else []


def _update_ids(has: Marked, wanted: Mapping[str, str]) -> Operations:
    """Our external_ids; those of others in the same row stay."""
    differing = {key: one for key, one in wanted.items() if has.external_ids.get(key) != one}
    if not differing:
        return []
    mutations = (
        Mutation("external_ids", "delete", frozenset(differing)),
        Mutation("external_ids", "insert", differing),
    )
    return [Mutate(has.table, at(has.uuid), mutations)]
