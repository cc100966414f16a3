"""What ovsdb-server's answers look like (RFC 7047, 4.1 and 5.1), checked where they come in.

Whoever reads rows may then rely on it: every column that was asked for is there, and
has the form that Open vSwitch's schema gives it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ganeti_ovs.plan.wire import Operation

    Rows = dict[str, dict[str, Any]]


class Strange(ValueError):
    """An answer that ovsdb-server never gives. Its text says what is odd, in a few words."""


def _text(value: Any) -> bool:
    # NOTE: JSON can write half a surrogate pair, which no output takes; OVSDB can not.
    return isinstance(value, str) and (
        value.isascii() or value == value.encode(errors="ignore").decode()
    )


def _number(value: Any) -> bool:
    return type(value) is int


def _flag(value: Any) -> bool:
    return value is True or value is False


def _elements(value: Any) -> list[Any]:
    """Those of a set; a set of one is its bare element."""
    if isinstance(value, list) and len(value) == 2 and value[0] == "set":
        return value[1] if isinstance(value[1], list) else [None]
    return [value]


def _optional(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: fits(value) or value == ["set", []]


def _numbers(value: Any) -> bool:
    return all(map(_number, _elements(value)))


def _reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and value[0] == "uuid"
        and isinstance(value[1], str)
    )


def _references(value: Any) -> bool:
    return all(map(_reference, _elements(value)))


def _members(value: Any) -> bool:
    return value != ["set", []] and _references(value)


def _map_of(key: Callable[[Any], bool], fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_map(value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) == 2
            and value[0] == "map"
            and isinstance(value[1], list)
            and all(
                isinstance(pair, list) and len(pair) == 2 and key(pair[0]) and fits(pair[1])
                for pair in value[1]
            )
        )

    return is_map


_WORD = _optional(_text)
_TEXTS = _map_of(_text, _text)

_COLUMNS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "Open_vSwitch": {"bridges": _references, "next_cfg": _number, "cur_cfg": _number},
    "Bridge": {
        "name": _text, "ports": _references, "datapath_type": _text, "fail_mode": _WORD,
        "rstp_enable": _flag, "mcast_snooping_enable": _flag, "external_ids": _TEXTS,
        "other_config": _TEXTS,
    },
    "Port": {
        "name": _text, "interfaces": _members, "qos": _references, "vlan_mode": _WORD,
        "tag": _optional(_number), "trunks": _numbers, "bond_mode": _WORD, "lacp": _WORD,
        "bond_updelay": _number, "bond_downdelay": _number, "bond_active_slave": _WORD,
        "fake_bridge": _flag, "external_ids": _TEXTS, "other_config": _TEXTS,
    },
    "Interface": {
        "name": _text, "type": _text, "ofport": _optional(_number), "error": _WORD,
        "link_state": _WORD, "mac_in_use": _WORD, "mtu": _optional(_number),
        "mtu_request": _optional(_number), "lacp_current": _optional(_flag),
        "ingress_policing_rate": _number, "ingress_policing_burst": _number,
        "external_ids": _TEXTS, "other_config": _TEXTS,
    },
    "QoS": {
        "type": _text, "queues": _map_of(_number, _reference), "other_config": _TEXTS,
        "external_ids": _TEXTS,
    },
    "Queue": {"other_config": _TEXTS, "external_ids": _TEXTS},
}  # fmt: skip
"""Table -> column -> does this value fit? Those that are read, of all that there are."""

_REFERENCES = (
    ("Open_vSwitch", "bridges", "Bridge"),
    ("Bridge", "ports", "Port"),
    ("Port", "interfaces", "Interface"),
    ("Port", "qos", "QoS"),
    ("QoS", "queues", "Queue"),
)
"""(table, column, table that it refers to)."""


def check_result(operation: Operation, result: Any) -> None:
    """Raise Strange unless `result` is what `operation`, carried out, gives."""
    if not isinstance(result, dict):
        raise Strange("a result that is no object")
    if operation["op"] == "select":
        rows = result.get("rows")
        if not isinstance(rows, list):
            raise Strange("a selection without rows")
        if rows:
            _check_rows(str(operation["table"]), operation.get("columns"), rows)
    elif operation["op"] == "insert" and not _reference(result.get("uuid")):
        raise Strange("a new row without UUID")


def _check_rows(table: str, columns: Any, rows: list[Any]) -> None:
    """`columns`: those that were asked for, None for all."""
    known = _COLUMNS.get(table, {})
    wanted = [
        (column, _reference if column == "_uuid" else known.get(column))
        for column in (("_uuid", *known) if columns is None else columns)
    ]
    for row in rows:
        if not isinstance(row, dict):
            raise Strange(f"a row of {table} that is no object")
        for column, fits in wanted:
            if column not in row:
                raise Strange(f"a row of {table} without {column}")
            if fits is not None and not fits(row[column]):
                raise Strange(f"a value that {table}'s {column} cannot have")


def check_references(tables: Mapping[str, Rows]) -> None:
    """Raise Strange if a row of `tables`, read in one transaction, refers to one that is missing.

    Tables and columns that were not read are not looked at.
    """
    for table, column, target in _REFERENCES:
        if table in tables and target in tables:
            for row in tables[table].values():
                for reference in _targets(row.get(column, ["set", []])):
                    if reference not in tables[target]:
                        raise Strange(f"a row of {table} that refers to a missing {target}")


def _targets(value: Any) -> list[str]:
    if value[0] == "map":
        return [str(reference[1]) for _key, reference in value[1]]
    return [str(reference[1]) for reference in _elements(value)]


def new_values(update: Any, table: str, column: str) -> list[int]:
    """The numbers that `column` has by a monitor's answer or an "update" (RFC 7047, 4.1.6).

    Raises Strange when it has another form.
    """
    rows = update.get(table, {}) if isinstance(update, dict) else None
    found = []
    for row in rows.values() if isinstance(rows, dict) else (None,):
        new = row.get("new", {}) if isinstance(row, dict) else None
        if not isinstance(new, dict) or not _number(new.get(column, 0)):
            raise Strange("an update of another form")
        if column in new:
            found.append(int(new[column]))
    return found
