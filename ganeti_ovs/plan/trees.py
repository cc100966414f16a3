"""Guests' ports when a vSwitch's spanning tree is switched on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.plan.adjust import leave_trees

if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.rows import Bridge
    from ganeti_ovs.plan.columns import Difference
    from ganeti_ovs.plan.current import Current

WARNING = (
    "guests that start while RSTP is on take part in it, as Open vSwitch gives no broadcasts"
    " to ports that do not"
)


def trees(bridge: Bridge, difference: Difference, current: Current) -> Operations:
    """Operations by which guests' ports take no part in what `difference` switches on or off.

    None while a tree goes on running: who left it would get no broadcasts any more.
    """
    will = difference.columns.get("rstp_enable")
    if will is None or (bridge.has_tree and (will or bridge.stp_enable)):
        return []
    ports = current.guests_of_ours(bridge)
    return [operation for port in ports for operation in leave_trees(port)]
