"""A vSwitch with its uplinks as administrators describe it: text in, checked values out.

Settings are written as text (they are kept as Ganeti tags); list values are
joined by `+`. Where a rule is Open vSwitch's own, it is from vswitch.xml
(ovs-vswitchd.conf.db(5)), table Port, "Bonding Configuration".
"""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import IFNAMSIZ, decimal, interface_name
from ganeti_ovs.model.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

BOND_MODES = ("active-backup", "balance-slb", "balance-tcp")
LACP = ("off", "passive", "active")
LACP_TIMES = ("slow", "fast")
DATAPATH_TYPES = ("system", "netdev")
FAIL_MODES = ("standalone", "secure")

MTU = (68, 65535)
"""Bytes: the least of IPv4 (RFC 791) and the most of any Linux device (linux/if_ether.h)."""
_MAX_DELAY = 3_600_000
_MIN_REBALANCE = 1000


@frozen
class Bond:
    """How two or more uplinks are one port. Delays and intervals in ms."""

    mode: str = "active-backup"
    lacp: str = "off"
    lacp_time: str = "slow"
    """How often LACP packets are asked for: every 30 s, or every second."""
    lacp_fallback: bool = False
    """True: active-backup, instead of no link at all, when the other side knows no LACP."""
    updelay: int = 0
    downdelay: int = 0
    primary: str = ""
    """The uplink that active-backup prefers; "" for none."""
    rebalance_interval: int | None = None
    """None: Open vSwitch's own (10000); 0: never."""


@frozen
class VSwitch:
    """One vSwitch, all values validated. Made by `vswitch`."""

    name: str
    uplinks: tuple[str, ...] = ()
    """Devices of the node; two or more are one bond."""
    bond: Bond | None = None
    """Set if, and only if, there are two or more uplinks."""
    trunks: tuple[int, ...] = ()
    """VLANs that the uplink lets through; empty: all, and untagged frames too."""
    mtu: int | None = None
    """Bytes, of the switch's own interface and its uplinks; None: left as it is."""
    datapath_type: str = "system"
    fail_mode: str = "standalone"
    rstp: bool = False
    mcast_snooping: bool = False


_FLAGS = {"yes": True, "no": False}


def _word(words: tuple[str, ...]) -> Callable[[str, str], str]:
    def parse(text: str, what: str) -> str:
        if text not in words:
            raise BadInput(f"{what} {quoted(text)} is none of {', '.join(words)}")
        return text

    return parse


def _flag(text: str, what: str) -> bool:
    if text not in _FLAGS:
        raise BadInput(f"{what} {quoted(text)} is neither yes nor no")
    return _FLAGS[text]


def _number(low: int, high: int, unit: str) -> Callable[[str, str], int]:
    def parse(text: str, what: str) -> int:
        value = decimal(text, what, 9)
        if not low <= value <= high:
            raise BadInput(f"{what} {value} is not in {low}-{high} {unit}")
        return value

    return parse


def _rebalance(text: str, what: str) -> int:
    value = decimal(text, what, 9)
    if 0 < value < _MIN_REBALANCE or value > _MAX_DELAY:
        raise BadInput(f"{what} {value} is neither 0 (never) nor {_MIN_REBALANCE}-{_MAX_DELAY} ms")
    return value


def _uplinks(text: str, what: str) -> tuple[str, ...]:
    names = tuple(interface_name(name, what) for name in text.split("+"))
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{what}: {name} stands there twice")
    return names


def _trunks(text: str, what: str) -> tuple[int, ...]:
    vids = sorted(decimal(word, f"{what}: VLAN ID", 4) for word in text.split("+"))
    for vid in vids:
        if not 1 <= vid <= 4094:
            raise BadInput(f"{what}: VLAN ID {vid} is not in 1-4094")
        if vids.count(vid) > 1:
            raise BadInput(f"{what}: VLAN {vid} stands there twice")
    return tuple(vids)


PARSERS: dict[str, Callable[[str, str], Any]] = {
    "uplinks": _uplinks,
    "bond_mode": _word(BOND_MODES),
    "lacp": _word(LACP),
    "lacp_time": _word(LACP_TIMES),
    "lacp_fallback": _flag,
    "bond_updelay": _number(0, _MAX_DELAY, "ms"),
    "bond_downdelay": _number(0, _MAX_DELAY, "ms"),
    "bond_primary": interface_name,
    "bond_rebalance_interval": _rebalance,
    "trunks": _trunks,
    "mtu": _number(*MTU, "bytes"),
    "datapath_type": _word(DATAPATH_TYPES),
    "fail_mode": _word(FAIL_MODES),
    "rstp": _flag,
    "mcast_snooping": _flag,
}
"""Every setting, and the function that reads its text (and is told its name, for errors)."""

SETTINGS = tuple(PARSERS)
_BOND_FIELDS = {
    "bond_mode": "mode", "lacp": "lacp", "lacp_time": "lacp_time", "lacp_fallback": "lacp_fallback",
    "bond_updelay": "updelay", "bond_downdelay": "downdelay", "bond_primary": "primary",
    "bond_rebalance_interval": "rebalance_interval",
}  # fmt: skip
BOND_SETTINGS = frozenset(_BOND_FIELDS)
"""Settings that only a bond, i.e. two uplinks or more, can have."""


def vswitch(name: str, settings: Mapping[str, str]) -> VSwitch:
    """The vSwitch that these settings (setting -> text) describe. Raises BadInput."""
    interface_name(name, "the vSwitch's name")
    try:
        values: dict[str, Any] = {}
        for setting, text in settings.items():
            if setting not in PARSERS:
                raise BadInput(f"there is no setting {quoted(setting)}: {', '.join(SETTINGS)}")
            values[setting] = PARSERS[setting](text, setting)
        return _made(name, values)
    except BadInput as err:
        raise BadInput(f"vSwitch {name}: {err}") from err


def _made(name: str, values: dict[str, Any]) -> VSwitch:
    bond = {field: values.pop(s) for s, field in _BOND_FIELDS.items() if s in values}
    switch = VSwitch(name, **values)
    if name in switch.uplinks:
        raise BadInput("it has the name of its own uplink")
    if len(switch.uplinks) < 2:
        if bond:
            given = next(s for s, field in _BOND_FIELDS.items() if field in bond)
            raise BadInput(f"{given} is for a bond, which takes two uplinks or more")
        return switch
    if bond_name(name) in switch.uplinks:
        raise BadInput(f"its bond gets the name {bond_name(name)}, which is an uplink's")
    return VSwitch(name, bond=_bond(bond, switch), **values)


def _bond(fields: dict[str, Any], switch: VSwitch) -> Bond:
    bond = Bond(**fields)
    if bond.mode == "balance-tcp" and bond.lacp == "off":
        raise BadInput("bond_mode balance-tcp needs lacp active or passive")
    if bond.lacp == "off":
        for field in ("lacp_time", "lacp_fallback"):
            if field in fields:
                raise BadInput(f"{field} is nothing without lacp active or passive")
    if bond.primary and bond.mode != "active-backup":
        raise BadInput(f"bond_primary is for active-backup, not {bond.mode}")
    if bond.primary and bond.primary not in switch.uplinks:
        raise BadInput(f"bond_primary {bond.primary} is none of its uplinks")
    if bond.mode == "active-backup" and bond.rebalance_interval is not None:
        raise BadInput("bond_rebalance_interval is for balance-slb and balance-tcp")
    if switch.rstp:
        raise BadInput("rstp cannot include a bond; take one uplink, or no rstp")
    return bond


def settings_of(switch: VSwitch) -> dict[str, str]:
    """The settings that are not at their default, as canonical text: `vswitch` reads them back."""
    values = {name: getattr(switch, name) for name in SETTINGS if name not in _BOND_FIELDS}
    defaults: dict[str, Any] = {n: getattr(VSwitch(switch.name), n) for n in values}
    if switch.bond:
        for setting, field in _BOND_FIELDS.items():
            values[setting] = getattr(switch.bond, field)
            defaults[setting] = getattr(Bond(), field)
    return {
        name: _text(values[name]) for name in SETTINGS if values.get(name) != defaults.get(name)
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


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
