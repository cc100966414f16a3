"""A change of vSwitches, commit-confirmed: its phases, what follows from what. Pure.

Three processes go this way. node-apply makes the change (`ganeti_ovs.node.commit`); its guard
goes on where node-apply has ended (`ganeti_ovs.node.guard`); whoever comes next goes on where
both have (`ganeti_ovs.node.settle`). What they have in common is the disk alone, so each step
says what must be written before it, and what after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Phase(Enum):
    """How far a change is."""

    IDLE = auto()
    """Nothing is begun."""
    UNCHANGED = auto()
    """There is nothing to change: the document alone waits to be confirmed."""
    BEGUN = auto()
    """Its checkpoint is on the disk; nothing is changed."""
    SENT = auto()
    """It is being made: only the answer says what was done."""
    APPLIED = auto()
    """It is made, and waits to be confirmed."""
    ROLLING_BACK = auto()
    """It failed or was not confirmed."""
    ORPHANED = auto()
    """Its node-apply has ended before the change had; how far it was is to be found out."""
    CONFIRMED = auto()
    """The end: its document is kept."""
    DROPPED = auto()
    """The end: nothing of it was done."""
    ROLLED_BACK = auto()
    """The end: it is not there any more, or what is left cannot be rolled back."""
    LEFT = auto()
    """It could not be rolled back: the guard tries again, and then whoever comes next."""


class Event(Enum):
    """What happens to a change."""

    NOTHING = auto()
    """There is nothing to change."""
    BEGIN = auto()
    """It is to be made."""
    SEND = auto()
    """The guard stands: now it is made."""
    APPLY = auto()
    """ovs-vswitchd has applied it."""
    REFUSE = auto()
    """It was refused as a whole."""
    FAIL = auto()
    """Something went wrong."""
    KEEP = auto()
    """It is confirmed, or was, by the document that is kept."""
    DENY = auto()
    """It was not confirmed in time."""
    RESTORE = auto()
    """What was there before is there again."""
    STICK = auto()
    """That did not succeed."""
    END = auto()
    """node-apply has ended."""


class Disk(Enum):
    """What is written."""

    NOTHING = auto()
    CHECKPOINT = auto()
    """The checkpoint; and that the change was tried in vain, until it is known better."""
    DOCUMENT = auto()
    """The new document instead of the old one: from then on, nobody rolls back."""
    DONE = auto()
    """Neither a checkpoint, nor a document that was tried in vain."""
    FORGOTTEN = auto()
    """No checkpoint; tried in vain was what had been before."""
    TRIED = auto()
    """No checkpoint; this document was tried in vain, and why."""


@dataclass(frozen=True)
class Transition:
    """Where an event leads to."""

    phase: Phase
    first: Disk = Disk.NOTHING
    """Written before; the change is in the old phase as long as that fails."""
    then: Disk = Disk.NOTHING
    """Written after."""


STEPS: Mapping[tuple[Phase, Event], Transition] = {
    (Phase.IDLE, Event.NOTHING): Transition(Phase.UNCHANGED),
    (Phase.IDLE, Event.BEGIN): Transition(Phase.BEGUN, first=Disk.CHECKPOINT),
    (Phase.UNCHANGED, Event.KEEP): Transition(Phase.CONFIRMED, first=Disk.DOCUMENT, then=Disk.DONE),
    (Phase.UNCHANGED, Event.DENY): Transition(Phase.ROLLING_BACK),
    (Phase.UNCHANGED, Event.FAIL): Transition(Phase.DROPPED),
    (Phase.BEGUN, Event.SEND): Transition(Phase.SENT),
    (Phase.BEGUN, Event.FAIL): Transition(Phase.DROPPED, then=Disk.FORGOTTEN),
    (Phase.BEGUN, Event.END): Transition(Phase.ORPHANED),
    (Phase.SENT, Event.APPLY): Transition(Phase.APPLIED),
    (Phase.SENT, Event.REFUSE): Transition(Phase.DROPPED, then=Disk.FORGOTTEN),
    (Phase.SENT, Event.FAIL): Transition(Phase.ROLLING_BACK),
    (Phase.SENT, Event.END): Transition(Phase.ORPHANED),
    (Phase.APPLIED, Event.KEEP): Transition(Phase.CONFIRMED, first=Disk.DOCUMENT, then=Disk.DONE),
    (Phase.APPLIED, Event.DENY): Transition(Phase.ROLLING_BACK),
    (Phase.APPLIED, Event.FAIL): Transition(Phase.ROLLING_BACK),
    (Phase.APPLIED, Event.END): Transition(Phase.ORPHANED),
    (Phase.ROLLING_BACK, Event.RESTORE): Transition(Phase.ROLLED_BACK, then=Disk.TRIED),
    (Phase.ROLLING_BACK, Event.STICK): Transition(Phase.LEFT),
    (Phase.ROLLING_BACK, Event.END): Transition(Phase.ORPHANED),
    (Phase.LEFT, Event.END): Transition(Phase.ORPHANED),
    (Phase.ORPHANED, Event.KEEP): Transition(Phase.CONFIRMED, then=Disk.DONE),
    (Phase.ORPHANED, Event.REFUSE): Transition(Phase.DROPPED, then=Disk.FORGOTTEN),
    (Phase.ORPHANED, Event.FAIL): Transition(Phase.ROLLING_BACK),
}

SETTLED = frozenset({Phase.CONFIRMED, Phase.DROPPED, Phase.ROLLED_BACK})
"""Nothing is left to do in these: node-apply needs no guard any more."""
_UNTOUCHED = frozenset({Phase.IDLE, Phase.UNCHANGED, Phase.BEGUN, Phase.DROPPED})


def step(phase: Phase, event: Event) -> Transition:
    """Where `event` leads to from `phase`. Raises KeyError for what cannot happen there."""
    return STEPS[phase, event]


def touched(phase: Phase) -> bool:
    """Whether something may have been changed, if only for a moment."""
    return phase not in _UNTOUCHED


def found(kept: bool, there: bool | None) -> Event:
    """What had become of an ORPHANED change.

    `kept`: a document has been kept since it was begun. `there`: something of it is there;
    False: it was never made; None: it may have been made, and rolled back already.
    """
    if kept:
        return Event.KEEP
    return Event.REFUSE if there is False else Event.FAIL
