"""Operations and rows as they are kept on the disk: in OVSDB's JSON, as they were sent and read.

What one release has written, the next one reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from ganeti_ovs.model.operations import (
    Comment,
    Insert,
    Mutate,
    Mutation,
    Operation,
    Operations,
    Update,
    Where,
)
from ganeti_ovs.model.rows import Named, Tables, Uuid
from ganeti_ovs.ovsdb.decode import Forms, Strange, any_form, decoded_rows, reference, text
from ganeti_ovs.ovsdb.encode import encoded_columns, encoded_operation


def operations_to_json(operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """As they are sent."""
    return [*map(encoded_operation, operations)]


def operations_from_json(data: list[dict[str, Any]]) -> Operations:
    """Operations of a change of vSwitches.

    Raises ValueError, LookupError, TypeError or AttributeError for what is none.
    """
    return [*map(_operation, data)]


def tables_to_json(tables: Tables, without: Set[str]) -> dict[str, Any]:
    """Rows as they were read, but for some columns."""
    return {
        table: {
            uuid: encoded_columns(
                {name: value for name, value in row.columns.items() if name not in without}
            )
            for uuid, row in rows.items()
        }
        for table, rows in tables.items()
    }


def tables_from_json(data: dict[str, Any]) -> Tables:
    """What `tables_to_json` made; the columns that were left out are missing.

    Raises as `operations_from_json` does.
    """
    return Tables(
        (table, {Uuid(uuid): decoded_rows(table, [row], [*row])[0] for uuid, row in rows.items()})
        for table, rows in data.items()
    )


def _reference(value: Any) -> Uuid | Named:
    """Of a row that there is, or that is inserted."""
    return Named(text(value[1])) if value[0] == "named-uuid" else reference(value)


_FORMS = Forms(_reference)
_ANY = any_form(_reference)


def _operation(data: dict[str, Any]) -> Operation:
    op = data["op"]
    if op == "comment":
        return Comment(data["comment"])
    table = data["table"]
    if op == "insert":
        return Insert(table, data["uuid-name"], _columns(table, data["row"]))
    if op == "update":
        return Update(table, _where(data["where"]), _columns(table, data["row"]))
    if op == "mutate":
        mutations = tuple(_mutation(*one) for one in data["mutations"])
        return Mutate(table, _where(data["where"]), mutations)
    raise Strange(f"an operation {op!r:.20}")


def _columns(table: str, row: dict[str, Any]) -> dict[str, Any]:
    known = _FORMS.of(table)
    return {column: known.get(column, _ANY)(value) for column, value in row.items()}


def _where(where: list[list[Any]]) -> Where | None:
    if not where:
        return None
    ((column, test, value),) = where
    return Where(column, _ANY(value), test)


def _mutation(column: str, mutator: str, value: Any) -> Mutation:
    found = _ANY(value)
    # A set of one may be its bare element.
    whole = found if isinstance(found, dict | frozenset) else frozenset({found})
    return Mutation(column, mutator, whole)
