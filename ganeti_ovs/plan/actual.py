"""A vSwitch's settings as its rows have them: the way back of `ganeti_ovs.plan.columns`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.settings import SETTINGS, text_of

if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Bridge, Interface, Marked, Port
    from ganeti_ovs.model.settings import Place, Setting


def actual_settings(
    bridge: Bridge, uplink: Port | None, members: dict[str, Interface], local: Interface | None
) -> dict[str, str]:
    """Names and canonical text of those that are not at their default.

    `uplink` is the port of the uplinks, `members` its interfaces, `local` the vSwitch's own one.
    Values that are none of ours are shown as they are.
    """
    rows: dict[str, Marked | None] = {
        "Bridge": bridge,
        "Port": uplink,
        "Interface": next(iter(members.values()), local),
    }
    found = {}
    for setting in SETTINGS.values():
        if setting.place is None:
            text = "+".join(members)
        else:
            if setting.bond_field and len(members) < 2:
                continue
            row = rows[setting.place.table]
            text = "" if row is None else _text(row, setting, setting.place)
        if text and text != text_of(setting.default):
            found[setting.name] = text
    return found


def _text(row: Marked, setting: Setting, place: Place) -> str:
    value = row.other_config.get(place.key) if place.key else row.columns[place.column]
    if value is None or value == place.empty:
        return ""
    if isinstance(value, frozenset):
        return text_of(tuple(sorted(value)))
    if isinstance(setting.default, bool) and isinstance(value, str):
        return {"true": "yes", "false": "no"}.get(value, value)
    return text_of(value)
