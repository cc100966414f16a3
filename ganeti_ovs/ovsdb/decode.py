"""What ovsdb-server answers (RFC 7047, 4.1 and 5.1), checked and made values where it comes in.

Whoever has rows may then rely on it: every column that was asked for is there, and has the
form that `ganeti_ovs.model.rows` says.
"""

from __future__ import annotations

from ganeti_ovs.model.operations import Insert, Select
from ganeti_ovs.model.rows import KINDS, STATUS, Row, Uuid
from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ganeti_ovs.model.operations import Operation
    from ganeti_ovs.model.rows import Tables

    Form = Callable[[Any], Any]
    """Makes a column's value of JSON. Raises Misfit."""


class Strange(ValueError):
    """An answer that ovsdb-server never gives. Its text says what is odd, in a few words."""


class Misfit(ValueError):
    """A value that a column cannot have."""


class Reply(Frozen):
    """What an operation, carried out, has given."""

    rows: tuple[Any, ...] = ()
    """Of a selection: each of its table's kind of `ganeti_ovs.model.rows.Row`."""
    uuid: Uuid | None = None
    """Of the row that was inserted."""


def text(value: Any) -> str:
    """A string."""
    # NOTE: JSON can write half a surrogate pair, which no output takes; OVSDB can not.
    if isinstance(value, str) and (
        value.isascii() or value == value.encode(errors="ignore").decode()
    ):
        return value
    raise Misfit


def _number(value: Any) -> int:
    if type(value) is int:
        return value
    raise Misfit


def _flag(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise Misfit


def reference(value: Any) -> Uuid:
    """A reference to a row."""
    if _pair(value) and value[0] == "uuid" and isinstance(value[1], str):
        return Uuid(value[1])
    raise Misfit


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _elements(value: Any) -> list[Any]:
    """Those of a set; a set of one is its bare element."""
    if _pair(value) and value[0] == "set":
        return value[1] if isinstance(value[1], list) else [None]
    return [value]


def _optional(form: Form) -> Form:
    return lambda value: None if value == ["set", []] else form(value)


def _set_of(form: Form) -> Form:
    return lambda value: frozenset(map(form, _elements(value)))


def _members(form: Form) -> Form:
    def members(value: Any) -> Any:
        if value == ["set", []]:
            raise Misfit
        return frozenset(map(form, _elements(value)))

    return members


def _map_of(key: Form, form: Form) -> Form:
    def mapping(value: Any) -> Any:
        if not (_pair(value) and value[0] == "map" and isinstance(value[1], list)):
            raise Misfit
        if not all(map(_pair, value[1])):
            raise Misfit
        return {key(name): form(one) for name, one in value[1]}

    return mapping


def any_form(refers: Form) -> Form:
    """The form of columns that are not known here; `refers` is that of references.

    NOTE: a set of one stays its bare element: what is one, the schema alone would tell.
    """

    def atom(value: Any) -> Any:
        if isinstance(value, list):
            return refers(value)
        if isinstance(value, str):
            return text(value)
        if isinstance(value, (int, float)):
            return value
        raise Misfit

    forms = {"set": _set_of(atom), "map": _map_of(atom, atom)}

    def form(value: Any) -> Any:
        kind = value[0] if _pair(value) and isinstance(value[0], str) else ""
        return forms.get(kind, atom)(value)

    return form


class Forms:
    """The forms of columns, table by table; `refers` is that of references.

    A table's are made when they are asked for: one tap reads two of them.
    """

    def __init__(self, refers: Form) -> None:
        self._tables: dict[str, dict[str, Form]] = {}
        self._named = {
            "str": text,
            "int": _number,
            "bool": _flag,
            "str | None": _optional(text),
            "int | None": _optional(_number),
            "bool | None": _optional(_flag),
            "frozenset[int]": _set_of(_number),
            "frozenset[str]": _set_of(text),
            "frozenset[Uuid]": _set_of(refers),
            "Members": _members(refers),
            "dict[str, str]": _map_of(text, text),
            "dict[int, Uuid]": _map_of(_number, refers),
            "Uuid": reference,
        }

    def of(self, table: str) -> Mapping[str, Form]:
        """Column -> its form, of the columns that are read."""
        if table not in self._tables:
            self._tables[table] = {
                column: self._named[annotation]
                for one in KINDS.get(table, Row).__mro__[:-1]
                for column, annotation in one.__annotations__.items()
            }
        return self._tables[table]


_FORMS = Forms(reference)
_ANY = any_form(reference)
_REFERENCES = (
    ("Open_vSwitch", "bridges", "Bridge"),
    ("Bridge", "ports", "Port"),
    ("Port", "interfaces", "Interface"),
    ("Port", "qos", "QoS"),
    ("QoS", "queues", "Queue"),
)
"""(table, column, table that it refers to)."""


def decoded(operation: Operation, result: Any) -> Reply:
    """The result of `operation`, carried out. Raises Strange."""
    if not isinstance(result, dict):
        raise Strange("a result that is no object")
    if isinstance(operation, Select):
        rows = result.get("rows")
        if not isinstance(rows, list):
            raise Strange("a selection without rows")
        return Reply(decoded_rows(operation.table, rows, operation.columns))
    if isinstance(operation, Insert):
        try:
            return Reply(uuid=reference(result.get("uuid")))
        except Misfit as err:
            raise Strange("a new row without UUID") from err
    return Reply()


def decoded_rows(table: str, rows: list[Any], columns: Sequence[str] = ()) -> tuple[Row, ...]:
    """Rows of `table` with these columns; without any, with all but those of STATUS.

    Of the latter, they have those that are read. Raises Strange.
    """
    if not rows:
        return ()
    known = _FORMS.of(table)
    if not columns:
        there = rows[0] if isinstance(rows[0], dict) else ()
        columns = [*known, *(one for one in there if one not in known and one not in STATUS)]
    wanted = [(column, known.get(column, _ANY)) for column in columns]
    kind = KINDS.get(table, Row)
    try:
        return tuple(kind({column: form(row[column]) for column, form in wanted}) for row in rows)
    except (Misfit, LookupError, TypeError) as err:
        raise _strange(table, rows, wanted) from err


def _strange(table: str, rows: list[Any], wanted: list[tuple[str, Form]]) -> Strange:
    """What is odd about the first odd one of these rows."""
    for row in rows:
        if not isinstance(row, dict):
            return Strange(f"a row of {table} that is no object")
        for column, form in wanted:
            name = column if form is not _ANY else "columns"
            if column not in row:
                return Strange(f"a row of {table} without {name}")
            try:
                form(row[column])
            except Misfit:
                return Strange(f"a value that {table}'s {name} cannot have")
    return Strange(f"rows of {table} that are none")


def check_references(tables: Tables) -> None:
    """Raise Strange if a row of `tables`, read in one transaction, refers to one that is missing.

    Tables and columns that were not read are not looked at.
    """
    for table, column, target in _REFERENCES:
        if table in tables and target in tables:
            for row in tables[table].values():
                value = row.columns.get(column, ())
                references = value.values() if isinstance(value, dict) else value
                if not tables[target].keys() >= set(references):
                    raise Strange(f"a row of {table} that refers to a missing {target}")
