"""The node's vSwitches in the database: changed in one transaction, and put back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.rows import Root, Tables
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node.floods import flood_again, without_tree
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.ovsdb.switches import read_tables
from ganeti_ovs.plan.current import Current
from ganeti_ovs.plan.unchanged import unchanged
from ganeti_ovs.plan.undo import undo

if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operation


def commit(
    session: Session, operations: Sequence[Operation], before: Tables, wanted: Iterable[VSwitch]
) -> None:
    """Commit a change and wait until ovs-vswitchd has it; it must have every device of `wanted`.

    `before` are the rows that it was planned with. The session must hold its lock. Raises
    TransactionFailed when nothing was done ("timed out": the rows have changed since they were
    read), else Error: then it is to be rolled back.
    """
    if not operations:
        return
    _results, cfg = session.commit([*unchanged(operations, before), *operations])
    try:
        session.wait_applied(cfg)
        flood_again(session, without_tree(operations, before), before)
        problems = refused_devices(read_tables(session), wanted)
    except TransactionFailed as err:
        raise Error(str(err)) from err
    if problems:
        raise Error("; ".join(problems))


def put_back(session: Session, operations: Sequence[Operation], before: Tables) -> bool:
    """Undo `operations` in the database; False if there was nothing to undo.

    Raises NotApplied when ovs-vswitchd does not apply it: it is in the database then; Blocked
    when it does, but may keep broadcasts from ports.
    """
    now = read_tables(session)
    back = undo(operations, before, now)
    if back:
        _results, cfg = session.commit(back)
        session.wait_applied(cfg)
        flood_again(session, without_tree(back, now), now)
    return bool(back)


def untouched(before: Tables, now: Tables) -> bool:
    """Whether nobody has committed anything between two looks.

    False says nothing: every change of anybody's raises next_cfg.
    """
    first, second = (
        {key: root.next_cfg for key, root in some.of(Root).items()} for some in (before, now)
    )
    return first == second


def refused_devices(tables: Tables, wanted: Iterable[VSwitch]) -> list[str]:
    """What ovs-vswitchd has not taken over, a line each."""
    current = Current(tables)
    problems = []
    for switch in wanted:
        for name in (switch.name, *switch.uplinks):
            row = current.interfaces.get(name)
            if row is None:
                problems.append(f"{switch.name}: {name} has gone from the database")
            elif row.error:
                words = quoted(row.error, 300)
                problems.append(f"{switch.name}: ovs-vswitchd refuses {name}: {words}")
            elif not (row.ofport or -1) > 0:
                problems.append(f"{switch.name}: ovs-vswitchd has not taken {name}; see its log")
    return problems
