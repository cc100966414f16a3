"""Bring a port that is there to what its NIC wants, without taking it away for a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganeti_ovs.model import plug
from ganeti_ovs.plan.limits import shaping
from ganeti_ovs.plan.port import (
    QOS_TYPE,
    Found,
    ids,
    insert_qos,
    interface_row,
    vlan_columns,
)
from ganeti_ovs.plan.wire import comment, delete, named, ovs_map, ovs_set, uuid

if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.plan.wire import Operation, Operations

    Row = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """A guest's port as it is in the database: rows in OVSDB's own JSON form."""

    found: Found
    switch: str
    port: Row
    interface: Row
    qos: Row | None = None
    """The port's QoS row, if it is ours and of our type."""
    queue: Row | None = None
    """Its queue 0, if that is ours."""


def change(nic: Nic, live: Live, suffix: str = "", unrecorded: bool = False) -> Operations:
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
    stamp = ovs_map({plug.KEY: nic.plug} if nic.plug else {})
    timeless = interface_row(nic.plugged(""))["external_ids"]
    operations = [
        *_update("Interface", live.interface, wanted),
        *_update_ids("Interface", live.interface, timeless),
        *_update("Port", live.port, vlan_columns(nic)),
        *_update_ids("Port", live.port, ovs_map(ids(nic))),
        *_limit(nic, live, suffix),
    ]
    if operations or unrecorded:
        operations += _update_ids("Interface", live.interface, stamp)
        what = f"ganeti-ovs: change {nic.tap} ({nic.instance}, NIC {nic.index})"
        operations.insert(0, comment(what))
    return operations


def plain(value: Any) -> Any:
    """An OVSDB value in a form that compares: OVSDB gives a set of one as its element."""
    if isinstance(value, list) and value[:1] == ["set"]:
        elements = sorted(map(repr, map(plain, value[1])))
        return plain(value[1][0]) if len(value[1]) == 1 else tuple(elements)
    if isinstance(value, list) and value[:1] == ["map"]:
        return {repr(key): plain(one) for key, one in value[1]}
    return tuple(value) if isinstance(value, list) else value


def _limit(nic: Nic, live: Live, suffix: str) -> Operations:
    has = plain(live.port["qos"])
    if not nic.max_bandwidth:
        if has == ():
            return []
        return [_set(live.port, "Port", {"qos": ovs_set(())}), *_drop_qos(live)]
    if live.qos is None or live.queue is None or live.qos["type"] != QOS_TYPE:
        return [
            *insert_qos(nic, suffix),
            _set(live.port, "Port", {"qos": named(f"qos{suffix}")}),
            *_drop_qos(live),
        ]
    qos, queue = shaping(nic.max_bandwidth, nic.max_burst)
    marks = ovs_map(ids(nic))
    return [
        *_update("QoS", live.qos, {"other_config": ovs_map(qos)}),
        *_update_ids("QoS", live.qos, marks),
        *_update("Queue", live.queue, {"other_config": ovs_map(queue)}),
        *_update_ids("Queue", live.queue, marks),
    ]


def _drop_qos(live: Live) -> Operations:
    return [
        *(delete("QoS", row) for row in live.found.qos),
        *(delete("Queue", row) for row in live.found.queues),
    ]


def _update(table: str, row: Row, wanted: Row) -> Operations:
    differing = {
        column: value for column, value in wanted.items() if plain(value) != plain(row[column])
    }
    return [_set(row, table, differing)] if differing else []


def _update_ids(table: str, row: Row, marks: Any) -> Operations:
    """Our external_ids; those of others in the same row stay."""
    has = plain(row["external_ids"])
    differing = [pair for pair in marks[1] if has.get(repr(pair[0])) != pair[1]]
    if not differing:
        return []
    keys = ["set", [key for key, _ in differing]]
    return [
        {
            "op": "mutate",
            "table": table,
            "where": [["_uuid", "==", row["_uuid"]]],
            "mutations": [
                ["external_ids", "delete", keys],
                ["external_ids", "insert", ["map", differing]],
            ],
        }
    ]


def _set(row: Row, table: str, columns: Row) -> Operation:
    where = [["_uuid", "==", uuid(row["_uuid"][1])]]
    return {"op": "update", "table": table, "where": where, "row": columns}
