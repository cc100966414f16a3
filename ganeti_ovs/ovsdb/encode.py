"""Values and operations in OVSDB's JSON (RFC 7047, 5.1 and 5.2): what `decode` reads, written."""

from __future__ import annotations

from ganeti_ovs.model.operations import (
    Assert,
    Comment,
    Delete,
    Insert,
    Mutate,
    Select,
    Update,
    Wait,
)
from ganeti_ovs.model.rows import Named, Uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ganeti_ovs.model.operations import Operation


def encoded(value: Any) -> Any:
    """A column's value. A set of one is written as a set, too."""
    if value is None:
        return ["set", []]
    if isinstance(value, frozenset):
        return ["set", [encoded(one) for one in sorted(value)]]
    if isinstance(value, dict):
        return ["map", [[encoded(key), encoded(one)] for key, one in value.items()]]
    if isinstance(value, Uuid):
        return ["uuid", value]
    return ["named-uuid", value] if isinstance(value, Named) else value


def encoded_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """A row."""
    return {name: encoded(value) for name, value in columns.items()}


def encoded_operation(one: Operation) -> dict[str, Any]:
    """An operation of a transaction."""
    match one:
        case Comment():
            found: dict[str, Any] = {"op": "comment", "comment": one.text}
        case Assert():
            found = {"op": "assert", "lock": one.lock}
        case Insert():
            row = encoded_columns(one.columns)
            found = {"op": "insert", "table": one.table, "uuid-name": one.name, "row": row}
        case Update():
            found = {**_on("update", one), "row": encoded_columns(one.columns)}
        case Mutate():
            mutations = [[each.column, each.mutator, encoded(each.value)] for each in one.mutations]
            found = {**_on("mutate", one), "mutations": mutations}
        case Select():
            found = _on("select", one)
            if one.columns:
                found["columns"] = list(one.columns)
        case Wait():
            found = {**_on("wait", one), "timeout": 0, "columns": list(one.columns)}
            found |= {"until": "==", "rows": [encoded_columns(one.columns)]}
        case Delete():
            where = [["_uuid", "==", encoded(one.uuid)]]
            found = {"op": "delete", "table": one.table, "where": where}
    return found


def _on(name: str, one: Update | Mutate | Select | Wait) -> dict[str, Any]:
    where = one.where
    condition = [] if where is None else [[where.column, where.test, encoded(where.value)]]
    return {"op": name, "table": one.table, "where": condition}
