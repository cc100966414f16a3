"""What ovs-vswitchd reports in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganeti_ovs.model.errors import printable
from ganeti_ovs.model.operations import Select
from ganeti_ovs.model.reported import Columns
from ganeti_ovs.model.rows import Bridge, Interface, Queue, Root
from ganeti_ovs.model.status import Traffic
from ganeti_ovs.ovsdb.switches import READ

if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Row, Tables
    from ganeti_ovs.ovsdb.client import Client

_SELECTED = (
    Select(Root.table, None, ("_uuid", "ovs_version", "datapath_types", "iface_types")),
    Select("Controller", None, ("_uuid", "target", "is_connected")),
    Select(Interface.table, None, ("_uuid", "name", "statistics")),
)


def read_all(client: Client) -> Tables:
    """Rows of vSwitches and of guests' ports, in one transaction."""
    return client.read(dict.fromkeys((*READ, Queue.table), ()))


def next_cfg(client: Client) -> int:
    """The number of the configuration that was committed last; 0 if there is none."""
    roots: tuple[Root, ...] = client.transact([Select(Root.table, None, ("next_cfg",))])[0].rows
    return roots[0].next_cfg if roots else 0


def read_columns(client: Client, tables: Tables) -> Columns:
    """What is reported of what has just been read as `tables`."""
    roots, controllers, interfaces = (reply.rows for reply in client.transact(_SELECTED))
    root = roots[0].columns if roots else {}
    states: dict[str, tuple[str, bool]] = {
        row.uuid: (_text(row.columns["target"]), row.columns["is_connected"] is True)
        for row in controllers
    }
    return Columns(
        version=next(iter(_texts(root.get("ovs_version"))), ""),
        datapath_types=_texts(root.get("datapath_types")),
        iface_types=_texts(root.get("iface_types")),
        controllers={
            bridge.name: dict(
                states[one] for one in references(bridge, "controller") if one in states
            )
            for bridge in tables.of(Bridge).values()
        },
        traffic={row.name: _traffic(row) for row in interfaces},
    )


def references(row: Row, column: str) -> list[str]:
    """The UUIDs in a column of which it is not known whether it is a set; in order."""
    value = row.columns.get(column)
    found = value if isinstance(value, frozenset) else (value,)
    return sorted(one for one in found if isinstance(one, str))


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, frozenset) else (value,)
    return tuple(sorted(printable(one) for one in found if isinstance(one, str) and one))


def _text(value: Any) -> str:
    return printable(value) if isinstance(value, str) else "?"


def _traffic(row: Row) -> Traffic:
    """From the view of who is at the other end of the interface."""
    counted = row.columns["statistics"]

    def number(name: str) -> int:
        found = counted.get(name) if isinstance(counted, dict) else None
        return found if type(found) is int else 0

    drops = number("rx_dropped") + number("tx_dropped")
    return Traffic(rx=number("tx_bytes"), tx=number("rx_bytes"), drops=drops)
