"""The table of a vSwitch's settings. Options, list columns, tags, documents and plans follow it.

Settings are written as text (they are kept as Ganeti tags); list values are joined by `+`. What
several settings must be to each other is in ganeti_ovs.model.vswitch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal, interface_name
from ganeti_ovs.model.vlan import ascending, vlan_ids

Parser = Callable[[str, str], Any]
"""(text, the setting's name for errors) -> value. Raises BadInput."""

MTU = (68, 65535)
"""Bytes: the least of IPv4 (RFC 791) and the most of any Linux device (linux/if_ether.h)."""
_MAX_DELAY = 3_600_000
_MIN_REBALANCE = 1000
_LONGEST = 40
"""Characters of a better text that is proposed."""
_FLAGS = {"yes": True, "no": False}


def _word(*words: str) -> Parser:
    def parse(text: str, what: str) -> str:
        if text not in words:
            raise BadInput(f"{what} {quoted(text)} is none of {', '.join(words)}")
        return text

    return parse


def _flag(text: str, what: str) -> bool:
    if text not in _FLAGS:
        raise BadInput(f"{what} {quoted(text)} is neither yes nor no")
    return _FLAGS[text]


def _number(low: int, high: int, unit: str) -> Parser:
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


def _devices(text: str, what: str) -> tuple[str, ...]:
    names = tuple(interface_name(name, what) for name in text.split("+"))
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadInput(f"{what}: {name} stands there twice")
        seen.add(name)
    return names


def _vlans(text: str, what: str) -> tuple[int, ...]:
    try:
        return vlan_ids(text.split("+"))
    except BadInput as err:
        raise BadInput(f"{what}: {err}{_meant_vlans(text)}") from err


def _meant_vlans(text: str) -> str:
    """What may have been meant by a list that is wrong; empty if that is not clear."""
    plain = text.replace("..", "-")
    for other in ",+;:/":
        plain = plain.replace(other, " ")
    words = [ascending(word) for word in plain.split()]
    meant = ",".join(words)
    try:
        vlan_ids(words)
    except BadInput:
        return ""
    return f"; did you mean {meant}?" if words and len(meant) <= _LONGEST else ""


def in_ranges(vids: Iterable[int]) -> list[str]:
    """Ascending VLANs for people: those of three or more in a row as a range."""
    runs: list[list[int]] = []
    for vid in vids:
        if runs and vid == runs[-1][-1] + 1:
            runs[-1].append(vid)
        else:
            runs.append([vid])
    return [
        word
        for run in runs
        for word in ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run))
    ]


@dataclass(frozen=True)
class Place:
    """Where a setting stands in Open vSwitch's database (vswitch.xml)."""

    table: str
    """Bridge; Port: that of the uplinks; Interface: those of the uplinks and the vSwitch's own."""
    column: str
    key: str = ""
    """In a column that is a map; empty for a column of its own."""
    empty: object = None
    """The column's own value where nobody has set it; None: it is then an empty set."""


@dataclass(frozen=True)
class Setting:
    """One setting of a vSwitch."""

    name: str
    parse: Parser
    default: Any
    help: str
    place: Place | None = None
    """None for the uplinks, which are rows."""
    bond_field: str = ""
    """Its name in Bond, of those that only a bond, i.e. two uplinks or more, can have."""
    with_lacp: bool = False
    """True if it is nothing without LACP."""
    header: str = ""
    """Of its column in lists."""
    nothing: str = "-"
    """What lists have for no value."""

    @property
    def default_text(self) -> str:
        """Its default as text; empty, which its parser does not read, where that is no value."""
        return "" if self.default in (None, (), "") else text_of(self.default)

    @property
    def is_list(self) -> bool:
        """Whether it has any number of values, joined by `+`."""
        return isinstance(self.default, tuple)


def text_of(value: Any) -> str:
    """A setting's value as canonical text, which its parser reads back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


_DELAY = _number(0, _MAX_DELAY, "ms")

_TABLE = (
    Setting(
        "uplinks", _devices, (),
        "A device of the nodes; several, also joined by commas, are one bond.",
    ),
    Setting(
        "bond_mode", _word("active-backup", "balance-slb", "balance-tcp"), "active-backup",
        "active-backup, balance-slb or balance-tcp; for two uplinks or more.",
        Place("Port", "bond_mode"), bond_field="mode",
    ),
    Setting(
        "lacp", _word("off", "passive", "active"), "off", "off, passive or active.",
        Place("Port", "lacp"), bond_field="lacp", header="LACP",
    ),
    Setting(
        "lacp_time", _word("slow", "fast"), "slow", "slow (30 s) or fast (1 s).",
        Place("Port", "other_config", "lacp-time"), bond_field="lacp_time", with_lacp=True,
    ),
    Setting(
        "lacp_fallback", _flag, False, "yes: active-backup when the other side knows no LACP.",
        Place("Port", "other_config", "lacp-fallback-ab"), bond_field="lacp_fallback",
        with_lacp=True,
    ),
    Setting(
        "bond_updelay", _DELAY, 0, "ms that a link must be up before it is used.",
        Place("Port", "bond_updelay", empty=0), bond_field="updelay",
    ),
    Setting(
        "bond_downdelay", _DELAY, 0, "ms that a link must be down before it is not used.",
        Place("Port", "bond_downdelay", empty=0), bond_field="downdelay",
    ),
    Setting(
        "bond_primary", interface_name, "", "The uplink that active-backup prefers.",
        Place("Port", "other_config", "bond-primary"), bond_field="primary",
    ),
    Setting(
        "bond_rebalance_interval", _rebalance, None, "ms between moves of flows; 0: never.",
        Place("Port", "other_config", "bond-rebalance-interval"), bond_field="rebalance_interval",
    ),
    Setting(
        "trunks", _vlans, (),
        "VLANs that the uplink lets through, and ranges (10-20), joined by , or +; without: all.",
        Place("Port", "trunks"), nothing="all",
    ),
    Setting(
        "mtu", _number(*MTU, "bytes"), None, "Bytes.", Place("Interface", "mtu_request"),
        header="MTU",
    ),
    Setting(
        "datapath_type", _word("system", "netdev"), "system", "system or netdev.",
        Place("Bridge", "datapath_type", empty=""),
    ),
    Setting(
        "fail_mode", _word("standalone", "secure"), "standalone", "standalone or secure.",
        Place("Bridge", "fail_mode"),
    ),
    Setting("rstp", _flag, False, "yes or no.", Place("Bridge", "rstp_enable", empty=False)),
    Setting(
        "mcast_snooping", _flag, False, "yes or no.",
        Place("Bridge", "mcast_snooping_enable", empty=False),
    ),
)  # fmt: skip

SETTINGS = {one.name: one for one in _TABLE}
"""Every setting by its name, in the order of options and lists."""
