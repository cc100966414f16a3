"""A vSwitch that is made: columns of its rows that are no settings' alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.rows import MTU_BEFORE, MTU_KEY, TAP_MTU
from ganeti_ovs.plan.columns import interface_columns, new_row

if TYPE_CHECKING:
    from ganeti_ovs.model.vswitch import VSwitch

MADE_BY_US = "bridge-id"
"""external_ids key that a Bridge row has from the start if we have made it."""


def of_new(switch: VSwitch) -> dict[str, str]:
    """external_ids of the Bridge row, besides our mark."""
    mtu = {} if switch.mtu is None else {MTU_KEY: str(switch.mtu)}
    return {MADE_BY_US: switch.name, **mtu}


def own_interface(switch: VSwitch) -> dict[str, object]:
    """The Interface row of the vSwitch's own port, which is made with a tap's MTU."""
    row = {"name": switch.name, "type": "internal", **new_row(interface_columns(switch))}
    return row if switch.mtu is None else {**row, "external_ids": {MTU_BEFORE: str(TAP_MTU)}}
