"""The node's vSwitches in the database: read, change in one transaction, put back."""

from __future__ import annotations

from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.value import frozen
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from ganeti_ovs.plan.found import READ, ROOT, Found, only
from ganeti_ovs.plan.wire import uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.plan.found import Tables
    from ganeti_ovs.plan.wire import Operations

    Stations = Mapping[str, Sequence[tuple[str, int]]]

LOCK = SWITCHES
"""The session's lock while vSwitches are changed; see Session."""


@frozen
class Device:
    """A network interface before a change: what Open vSwitch does not set back itself.

    NOTE: a cleared mtu_request changes nothing on the device.
    """

    name: str
    index: int
    """The kernel's; another one is another device of the same name."""
    up: bool
    """Administratively. One that is down will be set up."""
    mtu: int
    new_mtu: int
    """What it will be set to (bytes); 0: it is left as it is."""


@frozen
class Change:
    """All that is needed to undo a change, known before it is made."""

    operations: Operations
    before: Tables
    stations: Stations
    """vSwitch -> (MAC, VLAN) of guests and others behind it, VLAN 0: untagged; what
    `ganeti_ovs.node.announce` announces."""
    devices: tuple[Device, ...] = ()
    """What the kernel has of the devices that it may change."""

    @property
    def empty(self) -> bool:
        """True if there is nothing that could be taken back."""
        return not self.operations and all(device.up for device in self.devices)


def read_tables(client: Client) -> Tables:
    """All rows of what vSwitches are made of, whole, in one transaction."""
    return client.read(dict.fromkeys(READ, ()))


def commit(session: Session, change: Change, wanted: Iterable[VSwitch]) -> None:
    """Carry `change` out and wait until ovs-vswitchd has; it must have every device of `wanted`.

    The session must hold its lock. Raises TransactionFailed when nothing was
    done ("timed out": the rows have changed since they were read), else Error:
    then it is to be taken back.
    """
    if not change.operations:
        return
    _results, cfg = session.commit([*_unchanged(change), *change.operations])
    try:
        session.wait_applied(cfg)
        problems = refused(read_tables(session), wanted)
    except TransactionFailed as err:
        raise Error(str(err)) from err
    if problems:
        raise Error("; ".join(problems))


def take_back(session: Session, change: Change) -> bool:
    """Put back what `change` changed in the database; False if there was nothing to put back.

    Raises NotApplied when ovs-vswitchd does not apply it: it is in the database then.
    """
    from ganeti_ovs.plan.undo import undo

    operations = undo(change.operations, change.before, read_tables(session))
    if operations:
        _results, cfg = session.commit(operations)
        session.wait_applied(cfg)
    return bool(operations)


def untouched(change: Change, tables: Tables) -> bool:
    """Whether nobody has committed anything since before `change`, which then was not either.

    False says nothing: every change of anybody's raises next_cfg.
    """
    before, now = (
        {key: row["next_cfg"] for key, row in some[ROOT].items()}
        for some in (change.before, tables)
    )
    return before == now


def refused(tables: Tables, wanted: Iterable[VSwitch]) -> list[str]:
    """What ovs-vswitchd has not taken over, a line each."""
    found = Found(tables)
    problems = []
    for switch in wanted:
        for name in (switch.name, *switch.uplinks):
            interface = found.interfaces.get(name)
            if interface is None:
                problems.append(f"{switch.name}: {name} has gone from the database")
                continue
            error = only(interface["error"])
            if error:
                problems.append(f"{switch.name}: ovs-vswitchd refuses {name}: {quoted(error, 300)}")
            elif not (only(interface["ofport"]) or -1) > 0:
                problems.append(f"{switch.name}: ovs-vswitchd has not taken {name}; see its log")
    return problems


def _unchanged(change: Change) -> Operations:
    """Operations that make the transaction fail if what it takes from has changed meanwhile.

    Members of ports that are changed, and ports (a guest that starts) of
    vSwitches that are removed.
    """
    rows: list[tuple[str, str, str]] = []
    for one in change.operations:
        if one.get("table") == "Port" and one["op"] == "mutate":
            rows.append(("Port", "interfaces", _key(one["where"])))
        elif one.get("table") == ROOT:
            rows += [
                ("Bridge", "ports", reference[1])
                for _column, mutator, reference in one["mutations"]  # type: ignore[attr-defined]
                if mutator == "delete"
            ]
    return [
        {
            "op": "wait",
            "timeout": 0,
            "table": table,
            "where": [["_uuid", "==", uuid(key)]],
            "columns": [column],
            "until": "==",
            "rows": [{column: change.before[table][key][column]}],
        }
        for table, column, key in dict.fromkeys(rows)
    ]


def _key(where: Any) -> str:
    return str(where[0][2][1])
