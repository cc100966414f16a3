"""A vSwitch's settings as columns (vswitch.xml: Bridge, Port, Interface), and what to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganeti_ovs.model.operations import Mutate, Mutation, Update, at
from ganeti_ovs.model.rows import MARK, Marked
from ganeti_ovs.model.settings import SETTINGS, Place, Setting
from ganeti_ovs.model.vswitch import VSwitch, value
from ganeti_ovs.plan.changes import Change, Kind
from ganeti_ovs.plan.current import SETTINGS_KEY, own_settings

if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operations


@dataclass(frozen=True)
class Column:
    """What a column of a row, or a key in it, must be for the sake of a setting."""

    setting: str
    column: str
    key: str
    """In a column that is a map; empty for a column of its own."""
    value: object
    """What it must be, unless `by_default`."""
    defaults: tuple[object, ...]
    """Values that mean the default; the first one is written to clear it."""
    by_default: bool = False
    """True if it is to have its default."""
    always: bool = False
    """True if the default is written, too, where the column is unset."""
    words: str = ""
    """What it is called; "": as the setting."""
    silent: tuple[object, ...] = ()
    """Values that it has, or had, without a word: those of other columns tell it."""


@dataclass(frozen=True)
class Difference:
    """What a row needs to be right."""

    columns: Mapping[str, object]
    config: Mapping[str, str | None]
    """Keys of other_config; None removes the key."""
    own: frozenset[str]
    """The settings that are ours afterwards."""
    changes: tuple[Change, ...]
    kept: tuple[str, ...]
    """Settings of somebody else's that stay, in words."""


def bridge_columns(switch: VSwitch) -> list[Column]:
    """Settings in the Bridge row."""
    return _columns(switch, "Bridge")


def port_columns(switch: VSwitch) -> list[Column]:
    """Settings in the Port row of the uplinks.

    NOTE: a bond whose bond_mode is unset makes ovs-vswitchd warn, so the
    default is written. vlan_mode and tag go with trunks: a tag alone makes an
    access port, and other modes pass other VLANs.
    """
    columns = _columns(switch, "Port")
    for number, one in enumerate(columns):
        if one.setting == "bond_mode":
            defaults = tuple(reversed(one.defaults)) if switch.bond else (None,)
            columns[number] = replace(one, defaults=defaults, always=switch.bond is not None)
    mode = "trunk" if switch.trunks else None
    every = (None, "trunk")
    for column, due, silent in (("vlan_mode", mode, every), ("tag", None, ())):
        of_all = mode is None
        columns.append(Column("trunks", column, "", due, (None,), of_all, False, column, silent))
    return columns


def interface_columns(switch: VSwitch) -> list[Column]:
    """Settings in the Interface rows of the uplinks and of the vSwitch's internal port."""
    return _columns(switch, "Interface")


def _columns(switch: VSwitch, table: str) -> list[Column]:
    """The settings that stand in rows of this table."""
    return [
        _column(one, one.place, value(switch, one))
        for one in SETTINGS.values()
        if one.place and one.place.table == table
    ]


def _column(setting: Setting, place: Place, wanted: object) -> Column:
    empty = place.empty
    if setting.is_list and not place.key:
        empty = frozenset()
    form = _entry if place.key else _plain
    default = form(setting.default)
    return Column(
        setting.name,
        place.column,
        place.key,
        form(wanted),
        (empty,) if empty == default else (empty, default),
        by_default=wanted == setting.default,
    )


def _plain(wanted: object) -> object:
    """A setting's value in a column of its own."""
    return frozenset(wanted) if isinstance(wanted, tuple) else wanted


def _entry(wanted: object) -> str:
    """A setting's value in a map."""
    if wanted is None:
        return ""
    return str(wanted).lower() if isinstance(wanted, bool) else str(wanted)


def new_row(wanted: list[Column]) -> dict[str, object]:
    """The settings as columns of a row that is to be inserted."""
    columns: dict[str, object] = {}
    config = {}
    for one in wanted:
        if one.by_default and not one.always:
            continue
        value = one.defaults[0] if one.by_default else one.value
        if one.key:
            config[one.key] = str(value)
        else:
            columns[one.column] = value
    return {**columns, "other_config": config} if config else columns


def names(wanted: list[Column]) -> frozenset[str]:
    """The settings' names: all of them are ours in a row that we make."""
    return frozenset(one.setting for one in wanted)


def compare(
    row: Marked, wanted: list[Column], own: set[str], switch: str, subject: str = ""
) -> Difference:
    """What `row`, which is the vSwitch's own or that of its port or device `subject`, lacks.

    A setting that is to have its default is cleared only if it is in `own`.
    """
    columns: dict[str, object] = {}
    config: dict[str, str | None] = {}
    now_own = set(own)
    changes, kept = [], []
    for one in wanted:
        has = row.other_config.get(one.key) if one.key else row.columns[one.column]
        due, unset = one.value, False
        if one.by_default:
            due = one.defaults[0]
            unset = one.always and has is None
            if not unset and has in one.defaults:
                continue
            if one.setting not in own and not unset:
                if has not in one.silent:
                    kept.append(f"{one.words or one.setting} {_text(has)}")
                continue
        now_own.add(one.setting)
        if has == due:
            continue
        if one.key:
            config[one.key] = None if due is None else str(due)
        else:
            columns[one.column] = due
        if has not in one.silent and not unset:
            old, new = _said(has, one), _said(due, one)
            changes.append(Change(Kind.SET, switch, subject, one.words or one.setting, old, new))
    return Difference(columns, config, frozenset(now_own), tuple(changes), tuple(kept))


def _said(has: Any, one: Column) -> str:
    """In words, a default by its name."""
    default = one.defaults[-1]
    if has in one.defaults and isinstance(default, str) and default:
        return default
    return _text(has)


def _text(value: Any) -> str:
    """A column's value in words."""
    if value is None or value == frozenset():
        return "unset"
    if isinstance(value, frozenset):
        return " ".join(map(str, sorted(value)))
    return str(value).lower() if isinstance(value, bool) else str(value)


def write(row: Marked, difference: Difference) -> Operations:
    """Operations that change only what differs."""
    operations: Operations = []
    if difference.columns:
        operations.append(Update(row.table, at(row.uuid), difference.columns))
    if difference.config:
        operations.append(mutate_map(row, "other_config", difference.config))
    return operations


def claim(row: Marked, own: frozenset[str]) -> Operations:
    """Operations that put our mark and the list of our settings into `row`; none if they are."""
    if row.ours and own_settings(row) == own:
        return []
    listed = " ".join(sorted(own)) or None
    wanted: dict[str, str | None] = {MARK[0]: MARK[1], SETTINGS_KEY: listed}
    has = row.external_ids
    differing = {name: value for name, value in wanted.items() if has.get(name) != value}
    return [mutate_map(row, "external_ids", differing)]


def marks(own: frozenset[str], **others: str) -> dict[str, str]:
    """external_ids of a row that we make."""
    return {MARK[0]: MARK[1], SETTINGS_KEY: " ".join(sorted(own)), **others}


def mutate_map(row: Marked, column: str, pairs: Mapping[str, str | None]) -> Mutate:
    """The operation that puts pairs into a map; None takes a key out."""
    there = {name: value for name, value in pairs.items() if value is not None}
    mutations = (
        Mutation(column, "delete", frozenset(pairs)),
        Mutation(column, "insert", there),
    )
    return Mutate(row.table, at(row.uuid), mutations)
