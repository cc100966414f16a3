"""A vSwitch with its uplinks as administrators describe it: text in, checked values out.

Where a rule is Open vSwitch's own, it is from vswitch.xml (ovs-vswitchd.conf.db(5)), table Port,
"Bonding Configuration".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import IFNAMSIZ, interface_name
from ganeti_ovs.model.settings import SETTINGS, Setting, text_of


def _default(setting: str) -> Any:
    return SETTINGS[setting].default


@dataclass(frozen=True)
class Bond:
    """How two or more uplinks are one port. Delays and intervals in ms."""

    mode: str = _default("bond_mode")
    lacp: str = _default("lacp")
    lacp_time: str = _default("lacp_time")
    """How often LACP packets are asked for: every 30 s, or every second."""
    lacp_fallback: bool = _default("lacp_fallback")
    """True: active-backup, instead of no link at all, when the other side knows no LACP."""
    updelay: int = _default("bond_updelay")
    downdelay: int = _default("bond_downdelay")
    primary: str = _default("bond_primary")
    """The uplink that active-backup prefers; "" for none."""
    rebalance_interval: int | None = _default("bond_rebalance_interval")
    """None: Open vSwitch's own (10000); 0: never."""


@dataclass(frozen=True)
class VSwitch:
    """One vSwitch, all values validated. Made by `vswitch`."""

    name: str
    uplinks: tuple[str, ...] = _default("uplinks")
    """Devices of the node; two or more are one bond."""
    bond: Bond | None = None
    """Set if, and only if, there are two or more uplinks."""
    trunks: tuple[int, ...] = _default("trunks")
    """VLANs that the uplink lets through; empty: all, and untagged frames too."""
    mtu: int | None = _default("mtu")
    """Bytes, of the switch's own interface and its uplinks; None: left as it is."""
    datapath_type: str = _default("datapath_type")
    fail_mode: str = _default("fail_mode")
    rstp: bool = _default("rstp")
    mcast_snooping: bool = _default("mcast_snooping")
    cleared: frozenset[str] = frozenset()
    """Settings that are said to have their default: what somebody else has set goes, too."""


def vswitch(name: str, settings: Mapping[str, str]) -> VSwitch:
    """The vSwitch that these settings (setting -> text) describe. Raises BadInput.

    A setting that is there with its default (`Setting.default_text`) is one that is `cleared`.
    """
    interface_name(name, "the vSwitch's name")
    try:
        values: dict[str, Any] = {}
        cleared = set()
        for setting, text in settings.items():
            if setting not in SETTINGS:
                raise BadInput(f"there is no setting {quoted(setting)}: {', '.join(SETTINGS)}")
            one = SETTINGS[setting]
            if setting == "uplinks" or text != one.default_text:
                values[setting] = one.parse(text, setting)
            elif text:
                values[setting] = one.default
            if values.get(setting, one.default) == one.default:
                cleared.add(setting)
        return replace(_made(name, values), cleared=frozenset(cleared))
    except BadInput as err:
        raise BadInput(f"vSwitch {name}: {err}") from err


def _made(name: str, values: dict[str, Any]) -> VSwitch:
    of_bond = [one for one in SETTINGS.values() if one.bond_field and one.name in values]
    bond = {one.bond_field: values.pop(one.name) for one in of_bond}
    switch = VSwitch(name, **values)
    if name in switch.uplinks:
        raise BadInput("it has the name of its own uplink")
    if len(switch.uplinks) < 2:
        if of_bond:
            raise BadInput(f"{of_bond[0].name} is for a bond, which takes two uplinks or more")
        return switch
    if bond_name(name) in switch.uplinks:
        raise BadInput(f"its bond gets the name {bond_name(name)}, which is an uplink's")
    return replace(switch, bond=_bond(bond, switch))


def _bond(fields: dict[str, Any], switch: VSwitch) -> Bond:
    bond = Bond(**fields)
    if bond.mode == "balance-tcp" and bond.lacp == "off":
        raise BadInput("bond_mode balance-tcp needs lacp active or passive")
    if bond.lacp == "off":
        for one in SETTINGS.values():
            if one.with_lacp and one.bond_field in fields:
                raise BadInput(f"{one.name} is nothing without lacp active or passive")
    if bond.primary and bond.mode != "active-backup":
        raise BadInput(f"bond_primary is for active-backup, not {bond.mode}")
    if bond.primary and bond.primary not in switch.uplinks:
        raise BadInput(f"bond_primary {bond.primary} is none of its uplinks")
    if bond.mode == "active-backup" and bond.rebalance_interval is not None:
        raise BadInput("bond_rebalance_interval is for balance-slb and balance-tcp")
    if switch.rstp:
        raise BadInput("rstp cannot include a bond; take one uplink, or no rstp")
    return bond


def value(switch: VSwitch, setting: Setting) -> Any:
    """The setting's value; its default where it is a bond's and there is none."""
    if not setting.bond_field:
        return getattr(switch, setting.name)
    return getattr(switch.bond or Bond(), setting.bond_field)


def settings_of(switch: VSwitch) -> dict[str, str]:
    """The settings that are not at their default, or said to be, as text: `vswitch` reads it."""
    found = {}
    for one in SETTINGS.values():
        has = value(switch, one)
        if has != one.default:
            found[one.name] = text_of(has)
        elif one.name in switch.cleared:
            found[one.name] = one.default_text
    return found


def bond_name(switch: str) -> str:
    """The name of the port that is a vSwitch's bond: `bond-<switch>`, cut to what a name may be."""
    return f"bond-{switch}"[:IFNAMSIZ]


def check_together(switches: Iterable[VSwitch]) -> None:
    """Raise BadInput if these vSwitches cannot be on one node together."""
    owner: dict[str, str] = {}
    for switch in switches:
        names = [switch.name, *switch.uplinks]
        if switch.bond:
            names.append(bond_name(switch.name))
        for name in names:
            if name in owner:
                raise BadInput(f"vSwitches {owner[name]} and {switch.name} both claim {name}")
            owner[name] = switch.name
