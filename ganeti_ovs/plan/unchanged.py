"""What a change of vSwitches takes for granted, so that it fails if others have changed that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.operations import Mutate, Wait, at
from ganeti_ovs.model.rows import Bridge, Port, Root, Uuid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.operations import Operation
    from ganeti_ovs.model.rows import Tables


def unchanged(operations: Iterable[Operation], before: Tables) -> list[Wait]:
    """Operations that make the transaction fail if what it takes from has changed meanwhile.

    Members of ports that are changed, and ports (a guest that starts) of
    vSwitches that are removed.
    """
    rows: list[tuple[str, str, Uuid]] = []
    for one in operations:
        if not isinstance(one, Mutate):
            continue
        if one.table == Port.table and one.where and isinstance(one.where.value, Uuid):
            rows.append((Port.table, "interfaces", one.where.value))
        elif one.table == Root.table:
            rows += [
                (Bridge.table, "ports", bridge)
                for each in one.mutations
                if each.mutator == "delete" and isinstance(each.value, frozenset)
                for bridge in each.value
            ]
    return [
        Wait(table, at(uuid), {column: before[table][uuid].columns[column]})
        for table, column, uuid in dict.fromkeys(rows)
    ]
