"""The node's vSwitches in the database: read, change in one transaction, put back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.ovsdb.client import Client, TransactionFailed
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from ganeti_ovs.plan.found import READ, ROOT, Found, Tables, only
from ganeti_ovs.plan.undo import undo
from ganeti_ovs.plan.wire import uuid

if TYPE_CHECKING:
    from ganeti_ovs.plan.wire import Operations

LOCK = SWITCHES
"""The session's lock while vSwitches are changed; see Session."""


def read_tables(client: Client) -> Tables:
    """All rows of what vSwitches are made of, whole, in one transaction."""
    return client.read(dict.fromkeys(READ, ()))


def commit(
    session: Session, operations: Operations, before: Tables, wanted: Iterable[VSwitch]
) -> None:
    """Commit a change and wait until ovs-vswitchd has it; it must have every device of `wanted`.

    `before` are the rows that it was planned with. The session must hold its lock. Raises
    TransactionFailed when nothing was done ("timed out": the rows have changed since they were
    read), else Error: then it is to be rolled back.
    """
    if not operations:
        return
    _results, cfg = session.commit([*_unchanged(operations, before), *operations])
    try:
        session.wait_applied(cfg)
        problems = refused(read_tables(session), wanted)
    except TransactionFailed as err:
        raise Error(str(err)) from err
    if problems:
        raise Error("; ".join(problems))


def put_back(session: Session, operations: Operations, before: Tables) -> bool:
    """Undo `operations` in the database; False if there was nothing to undo.

    Raises NotApplied when ovs-vswitchd does not apply it: it is in the database then.
    """
    back = undo(operations, before, read_tables(session))
    if back:
        _results, cfg = session.commit(back)
        session.wait_applied(cfg)
    return bool(back)


def untouched(before: Tables, now: Tables) -> bool:
    """Whether nobody has committed anything between two looks.

    False says nothing: every change of anybody's raises next_cfg.
    """
    first, second = (
        {key: row["next_cfg"] for key, row in some[ROOT].items()} for some in (before, now)
    )
    return first == second


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


def _unchanged(operations: Operations, before: Tables) -> Operations:
    """Operations that make the transaction fail if what it takes from has changed meanwhile.

    Members of ports that are changed, and ports (a guest that starts) of
    vSwitches that are removed.
    """
    rows: list[tuple[str, str, str]] = []
    for one in operations:
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
            "rows": [{column: before[table][key][column]}],
        }
        for table, column, key in dict.fromkeys(rows)
    ]


def _key(where: Any) -> str:
    return str(where[0][2][1])
