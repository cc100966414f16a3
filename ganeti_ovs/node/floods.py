"""Broadcasts after a spanning tree has been switched off.

NOTE: ovs-vswitchd then goes on keeping broadcasts from the ports that have taken part, until it
is restarted (set_rstp and set_stp in ofproto-dpif.c, 3.1 to 3.7.1 at least). What it decides
anew when a port's OpenFlow configuration changes is right, and no other frame is lost by that.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.operations import Update
from ganeti_ovs.model.rows import Bridge, Port
from ganeti_ovs.ovsdb.openflow import OpenFlow
from ganeti_ovs.plan.port import NO_TREE
from ganeti_ovs.plan.undo import changed_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.operations import Operation
    from ganeti_ovs.model.rows import Tables
    from ganeti_ovs.ovsdb.session import Session

_BUDGET = 20.0
"""Seconds for all ports, 40 ms each: the master waits for its answer."""
_TREES = ("rstp_enable", "stp_enable")


class Blocked(Error):
    """Some ports may get no broadcasts any more."""


def without_tree(operations: Iterable[Operation], before: Tables) -> list[str]:
    """The bridges whose spanning tree these operations switch off."""
    return [
        str(row.columns["name"])
        for one in operations
        if isinstance(one, Update) and one.table == Bridge.table
        for row in changed_rows(one, before)
        if any(one.columns.get(tree) is False and row.columns[tree] for tree in _TREES)
    ]


def flood_again(session: Session, bridges: Iterable[str], before: Tables) -> None:
    """Have all ports of these bridges get broadcasts, once ovs-vswitchd has switched it off.

    But for those that by `before` took no part: guests', of which there may be many.
    Raises Blocked.
    """
    aside = {
        one.name
        for one in before.of(Port).values()
        if all(one.other_config.get(key) == value for key, value in NO_TREE.items())
    }
    deadline = monotonic() + _BUDGET
    for name in bridges:
        try:
            switch = OpenFlow(session, name)
            due = {port: one for port, one in switch.flooded().items() if port not in aside}
            for done, number in enumerate(due.values()):
                if monotonic() > deadline:
                    raise Error(f"{len(due) - done} of {len(due)} ports not done in {_BUDGET:g} s")
                switch.flood_again(number)
        except Error as err:
            raise Blocked(
                f"{name}: its ports may get no broadcasts until ovs-vswitchd is restarted: {err}"
            ) from err
