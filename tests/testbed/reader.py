"""The tests' independent reader of the database: Open vSwitch's own Python library."""

from __future__ import annotations

import uuid
from typing import Any

import ovs.db.idl
import ovs.poller

from tests.testbed.openvswitch import SCHEMA

TABLES = ("Open_vSwitch", "Bridge", "Port", "Interface", "QoS", "Queue", "Mirror")


def read(socket: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of TABLES, each a dict of its columns and `_uuid`; references are UUIDs."""
    helper = ovs.db.idl.SchemaHelper(SCHEMA)
    for table in TABLES:
        helper.register_table(table)
    idl = ovs.db.idl.Idl(f"unix:{socket}", helper)
    try:
        while not idl.has_ever_connected():
            if idl.run():
                continue
            poller = ovs.poller.Poller()
            idl.wait(poller)
            poller.timer_wait(5000)
            poller.block()
        return {table: [_row(row) for row in idl.tables[table].rows.values()] for table in TABLES}
    finally:
        idl.close()


def _row(row: Any) -> dict[str, Any]:
    columns = {name: _plain(getattr(row, name)) for name in row._table.columns}
    return {"_uuid": row.uuid, **columns}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    found = getattr(value, "uuid", None)
    return found if isinstance(found, uuid.UUID) else value
