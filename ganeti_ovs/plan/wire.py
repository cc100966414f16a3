"""OVSDB values and operations as data (RFC 7047, sections 5.1 and 5.2)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

Operation = dict[str, object]
Operations = list[Operation]

MARK = ("ganeti-ovs", "1")
"""The external_ids pair of every row that is ours; only such rows are changed or removed."""


def ovs_set(values: Iterable[object]) -> list[object]:
    """A set; empty is how an optional column is left empty."""
    return ["set", list(values)]


def ovs_map(pairs: Mapping[str, str]) -> list[object]:
    """A map of strings."""
    return ["map", [[key, value] for key, value in pairs.items()]]


def uuid(text: str) -> list[str]:
    """A reference to a row that exists."""
    return ["uuid", text]


def named(text: str) -> list[str]:
    """A reference to a row that this transaction inserts."""
    return ["named-uuid", text]


def insert(table: str, name: str, row: dict[str, object]) -> Operation:
    """Insert `row`; others of this transaction refer to it as named(name)."""
    return {"op": "insert", "table": table, "uuid-name": name, "row": row}


def delete(table: str, row: str) -> Operation:
    """Delete the row with UUID `row`; nothing happens if it is gone already."""
    return {"op": "delete", "table": table, "where": [["_uuid", "==", uuid(row)]]}


def select(table: str, column: str, value: object, columns: Iterable[str]) -> Operation:
    """Read `columns` of the rows whose `column` is `value`."""
    where = [[column, "==", value]]
    return {"op": "select", "table": table, "where": where, "columns": list(columns)}


def comment(text: str) -> Operation:
    """A note in the database's log, seen with `ovsdb-tool show-log -m`."""
    return {"op": "comment", "comment": text}


def references(value: list[Any]) -> tuple[str, ...]:
    """UUIDs of a column that holds one reference or a set of them."""
    if value[0] == "uuid":
        return (value[1],)
    return tuple(reference[1] for reference in value[1])
