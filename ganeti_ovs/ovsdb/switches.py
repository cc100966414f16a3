"""The node's vSwitches in the database: what is read of them, and their lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.rows import Bridge, Interface, Port, QoS, Root

if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Tables
    from ganeti_ovs.ovsdb.client import Client

READ = (
    Root.table, Bridge.table, Port.table, Interface.table, QoS.table, "Mirror", "Controller",
    "NetFlow", "sFlow", "IPFIX", "Flow_Table", "AutoAttach",
)  # fmt: skip
"""Tables that are read: what vSwitches are made of, and what hangs on them."""


def read_tables(client: Client) -> Tables:
    """All rows of these tables, whole, in one transaction."""
    return client.read(dict.fromkeys(READ, ()))
