"""A vSwitch's settings as columns (vswitch.xml: Bridge, Port, Interface), and what to write."""

from __future__ import annotations

from ganeti_ovs.model.value import frozen
from ganeti_ovs.plan.found import SETTINGS, key, own_settings, same, text
from ganeti_ovs.plan.wire import MARK, ovs_map, ovs_set, uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.found import Row
    from ganeti_ovs.plan.wire import Operations

UNSET = ["set", []]


@frozen
class Setting:
    """One setting's place in a row."""

    name: str
    """The setting of the model that it belongs to."""
    column: str
    key: str
    """In other_config; empty for a column of its own."""
    value: object
    """What it must be; None: the default."""
    defaults: tuple[object, ...]
    """Values that mean the default; the first one is written to clear it."""
    always: bool = False
    """True if the default is written, too, where the column is unset."""
    shown: bool = True
    """False for what only goes with another one."""


@frozen
class Difference:
    """What a row needs to be right."""

    columns: dict[str, object]
    config: dict[str, str | None]
    """Keys of other_config; None removes the key."""
    own: frozenset[str]
    """The settings that are ours afterwards."""
    changes: tuple[str, ...]
    kept: tuple[str, ...]
    """Settings of somebody else's that stay, in words."""


def bridge_settings(switch: VSwitch) -> list[Setting]:
    """Settings in the Bridge row."""
    return [
        _plain("datapath_type", "datapath_type", switch.datapath_type, "", "system"),
        _plain("fail_mode", "fail_mode", switch.fail_mode, UNSET, "standalone"),
        _plain("rstp", "rstp_enable", switch.rstp, False),
        _plain("mcast_snooping", "mcast_snooping_enable", switch.mcast_snooping, False),
    ]


def port_settings(switch: VSwitch) -> list[Setting]:
    """Settings in the Port row of the uplinks.

    NOTE: a bond whose bond_mode is unset makes ovs-vswitchd warn, so the
    default is written. vlan_mode and tag go with trunks: a tag would make an
    access port of it.
    """
    bond = switch.bond
    trunks = ovs_set(switch.trunks) if switch.trunks else None
    interval = bond.rebalance_interval if bond else None
    mode = (
        Setting(
            "bond_mode", "bond_mode", "", None if bond.mode == "active-backup" else bond.mode,
            ("active-backup", UNSET), always=True,
        )
        if bond
        else Setting("bond_mode", "bond_mode", "", None, (UNSET,))
    )  # fmt: skip
    return [
        mode,
        _plain("lacp", "lacp", bond.lacp if bond else "off", UNSET, "off"),
        _config("lacp_time", "lacp-time", bond.lacp_time if bond else "slow", "slow"),
        _config(
            "lacp_fallback",
            "lacp-fallback-ab",
            "true" if bond and bond.lacp_fallback else "false",
            "false",
        ),
        _plain("bond_updelay", "bond_updelay", bond.updelay if bond else 0, 0),
        _plain("bond_downdelay", "bond_downdelay", bond.downdelay if bond else 0, 0),
        _config("bond_primary", "bond-primary", bond.primary if bond else "", ""),
        _config(
            "bond_rebalance_interval",
            "bond-rebalance-interval",
            "" if interval is None else str(interval),
            "",
        ),
        Setting("trunks", "trunks", "", trunks, (UNSET,)),
        Setting("trunks", "vlan_mode", "", trunks and "trunk", (UNSET,), shown=False),
        *([Setting("trunks", "tag", "", UNSET, (UNSET,))] if trunks else []),
    ]


def interface_settings(switch: VSwitch) -> list[Setting]:
    """Settings in the Interface rows of the uplinks and of the vSwitch's internal port."""
    return [Setting("mtu", "mtu_request", "", switch.mtu, (UNSET,))]


def _plain(name: str, column: str, value: object, *defaults: object) -> Setting:
    return Setting(name, column, "", None if value in defaults else value, defaults)


def _config(name: str, config_key: str, value: str, default: str) -> Setting:
    wanted = None if value == default else value
    return Setting(name, "other_config", config_key, wanted, (None, default))


def new_row(settings: list[Setting]) -> dict[str, object]:
    """The settings as columns of a row that is to be inserted."""
    columns: dict[str, object] = {}
    config = {}
    for one in settings:
        value = one.defaults[0] if one.value is None and one.always else one.value
        if value is None:
            continue
        if one.key:
            config[one.key] = str(value)
        else:
            columns[one.column] = value
    return {**columns, "other_config": ovs_map(config)} if config else columns


def names(settings: list[Setting]) -> frozenset[str]:
    """The settings' names: all of them are ours in a row that we make."""
    return frozenset(one.name for one in settings)


def compare(row: Row, settings: list[Setting], own: set[str]) -> Difference:
    """What `row` lacks. A setting that is to have its default is cleared only if it is in `own`."""
    columns: dict[str, object] = {}
    config: dict[str, str | None] = {}
    now_own = set(own)
    changes, kept = [], []
    for one in settings:
        has = dict(row["other_config"][1]).get(one.key) if one.key else row[one.column]
        value = one.value
        if value is None:
            value = one.defaults[0]
            unset = one.always and same(has, UNSET)
            if not unset and any(same(has, default) for default in one.defaults):
                continue
            if one.name not in own and not unset:
                if one.shown:
                    kept.append(f"{one.name} {text(has)}")
                continue
            now_own.add(one.name)
        else:
            now_own.add(one.name)
        if same(has, value):
            continue
        if one.key:
            config[one.key] = None if value is None else str(value)
        else:
            columns[one.column] = value
        if one.shown and not (one.always and same(has, UNSET) and one.value is None):
            changes.append(f"{one.name} {_said(has, one)} -> {_said(value, one)}")
    return Difference(columns, config, frozenset(now_own), tuple(changes), tuple(kept))


def _said(value: Any, one: Setting) -> str:
    """In words, a default by its name."""
    default = one.defaults[-1]
    if any(same(value, each) for each in one.defaults) and isinstance(default, str) and default:
        return default
    return "unset" if value is None else text(value)


def write(table: str, row: Row, difference: Difference) -> Operations:
    """Operations that change only what differs."""
    where = [["_uuid", "==", uuid(key(row))]]
    operations: Operations = []
    if difference.columns:
        operations.append(
            {"op": "update", "table": table, "where": where, "row": difference.columns}
        )
    if difference.config:
        operations.append(_mutate_map(table, where, "other_config", difference.config))
    return operations


def claim(table: str, row: Row, own: frozenset[str]) -> Operations:
    """Operations that put our mark and the list of our settings into `row`; none if they are."""
    has = dict(row["external_ids"][1])
    listed = " ".join(sorted(own)) or None
    wanted: dict[str, str | None] = {MARK[0]: MARK[1], SETTINGS: listed}
    differing = {name: value for name, value in wanted.items() if has.get(name) != value}
    if has.get(MARK[0]) == MARK[1] and own_settings(row) == own:
        return []
    where = [["_uuid", "==", uuid(key(row))]]
    return [_mutate_map(table, where, "external_ids", differing)]


def marks(own: frozenset[str], **others: str) -> list[object]:
    """external_ids of a row that we make."""
    return ovs_map({MARK[0]: MARK[1], SETTINGS: " ".join(sorted(own)), **others})


def _mutate_map(
    table: str, where: object, column: str, pairs: dict[str, str | None]
) -> dict[str, object]:
    there = {name: value for name, value in pairs.items() if value is not None}
    return {
        "op": "mutate",
        "table": table,
        "where": where,
        "mutations": [
            [column, "delete", ["set", list(pairs)]],
            [column, "insert", ovs_map(there)],
        ],
    }
