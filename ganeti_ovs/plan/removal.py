"""A vSwitch that goes: who and what goes with it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.settings import SETTINGS, text_of
from ganeti_ovs.plan.changes import Change, Kind
from ganeti_ovs.plan.current import own_settings
from ganeti_ovs.plan.cut import named
from ganeti_ovs.plan.newswitch import MADE_BY_US

if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Bridge
    from ganeti_ovs.plan.current import Current, Host

_HANGS = ("mirrors", "controller", "netflow", "sflow", "ipfix", "flow_tables", "auto_attach")
"""Columns of a Bridge that refer to what goes with it."""


class Removal:
    """What is to be said of it."""

    def __init__(self, bridge: Bridge, current: Current, host: Host) -> None:
        name = bridge.name
        guests = [*current.guests(bridge)]
        others = [
            port.name
            for port in current.ports_of(bridge)
            if not current.guest(port) and not port.ours
        ]
        self.refused: list[str] = []
        """Why it is not done unless forced."""
        if guests:
            self.refused.append(f"{name} is used by {named(guests)}")
        if others:
            self.refused.append(f"{name} has ports that are not ours: {named(others)}")
        if name in host.carries:
            self.refused.append(f"{name} carries {host.carries[name]}")
        self.warnings: list[str] = []
        if MADE_BY_US not in bridge.external_ids:
            loses = [*_settings(bridge), *_hanging(bridge)]
            what = f", with {named(loses)}" if loses else ""
            self.warnings.append(f"{name} was there before ganeti-ovs, and goes{what}")
        self.change = Change(Kind.REMOVED, name, names=(*guests, *others))


def _settings(bridge: Bridge) -> list[str]:
    """Settings that somebody else has made: `fail_mode secure`."""
    ours = own_settings(bridge)
    found = []
    for one in SETTINGS.values():
        if one.place and one.place.table == bridge.table and one.name not in ours:
            has = bridge.columns[one.place.column]
            if has not in (one.place.empty, one.default):
                found.append(f"{one.name} {text_of(has)}")
    return [*found, *(f"other_config:{key}" for key in sorted(bridge.other_config))]


def _hanging(bridge: Bridge) -> list[str]:
    found = []
    for column in _HANGS:
        refers = bridge.columns.get(column)
        # A column that is not known to be a set has a single reference bare.
        count = len(refers) if isinstance(refers, frozenset | dict) else int(refers is not None)
        if count:
            found.append(f"{column} ({count})" if count > 1 else column)
    return found
