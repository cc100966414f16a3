"""What a change has made worse: the nodes' statuses before it, and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic, sleep

from ganeti_ovs.master.survey import Survey
from ganeti_ovs.model.status import Problem
from ganeti_ovs.plan.between import worse

PATIENCE = 15.0
"""Seconds after which LACP, RSTP and links that a change has touched must have come to rest."""
_AGAIN = 1.0


def look_again(
    before: Survey, look: Callable[[], Survey], patience: float = PATIENCE
) -> dict[str, list[Problem]]:
    """Where -> what is wrong now and was not before; what is gone again in time is not said."""
    deadline = monotonic() + patience
    while True:
        found = got_worse(before.problems, look().problems)
        if not found or monotonic() + _AGAIN > deadline:
            return found
        sleep(_AGAIN)


def got_worse(
    before: Mapping[str, tuple[Problem, ...]], after: Mapping[str, tuple[Problem, ...]]
) -> dict[str, list[Problem]]:
    """Where -> what has come."""
    found = {where: worse(before.get(where, ()), some) for where, some in after.items()}
    return {where: some for where, some in found.items() if some}
