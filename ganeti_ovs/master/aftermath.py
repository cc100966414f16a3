"""What a change has made worse: the nodes' statuses before it, and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import monotonic, sleep

from ganeti_ovs.master.survey import Survey
from ganeti_ovs.model.status import Problem
from ganeti_ovs.plan.between import worse
from ganeti_ovs.plan.changes import Change, Kind

PATIENCE = 15.0
"""Seconds after which LACP, RSTP and links that a change has touched must have come to rest."""
SETTLE = 4.0
"""Seconds after which a link has gone that goes by a change, and with lacp_time fast (3 s) what the
other side of a bond has said before."""
_AGAIN = 1.0
_LATE = ("bond", "lacp", "mtu")
"""What settings begin with whose effect may come late."""


def look_again(
    before: Survey,
    look: Callable[[], Survey],
    patience: float = PATIENCE,
    settle: float = 0.0,
) -> dict[str, list[Problem]]:
    """Where -> what is wrong now and was not before; what is gone again in time is not said.

    `settle`: seconds after which it is looked once more if nothing is wrong; 0: it is not.
    """
    deadline = monotonic() + patience
    while True:
        found = got_worse(before.problems, look().problems)
        if found and monotonic() + _AGAIN <= deadline:
            sleep(_AGAIN)
        elif found or not settle:
            return found
        else:
            sleep(settle)
            settle = 0.0


def shows_late(changes: Iterable[Change]) -> bool:
    """Whether what these have made worse may not be seen at once: uplinks, bonds, LACP, MTUs."""
    return any(
        one.kind not in (Kind.MADE, Kind.ADOPTED, Kind.REMOVED, Kind.SET)
        or one.setting.startswith(_LATE)
        for one in changes
    )


def got_worse(
    before: Mapping[str, tuple[Problem, ...]], after: Mapping[str, tuple[Problem, ...]]
) -> dict[str, list[Problem]]:
    """Where -> what has come."""
    found = {where: worse(before.get(where, ()), some) for where, some in after.items()}
    return {where: some for where, some in found.items() if some}
