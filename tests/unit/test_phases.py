"""A change, commit-confirmed, ended at any point: the old state or the new one, never a mixture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ganeti_ovs.node.phases import SETTLED, STEPS, Disk, Event, Phase, found, step, touched


@dataclass(frozen=True)
class World:
    """The disk and Open vSwitch, as a change to a new document finds and makes them."""

    pending: bool = False
    tried: str = "former"
    kept: bool = False
    """The new document, instead of the old one."""
    there: bool = False
    """What the new document wants, in Open vSwitch."""
    sent: bool = False
    same: bool = False
    """Both documents want what is there already."""

    @property
    def whole(self) -> bool:
        return self.same or self.kept == self.there


WRITES: dict[Disk, list[dict[str, object]]] = {
    Disk.NOTHING: [],
    Disk.CHECKPOINT: [{"pending": True}, {"tried": "begun"}],
    Disk.DOCUMENT: [{"kept": True}],
    Disk.DONE: [{"tried": ""}, {"pending": False}],
    Disk.FORGOTTEN: [{"tried": "former"}, {"pending": False}],
    Disk.TRIED: [{"tried": "why"}, {"pending": False}],
}


def written(world: World, what: Disk) -> Iterator[World]:
    """After each single write."""
    for change in WRITES[what]:
        world = replace(world, **change)  # type: ignore[arg-type]
        yield world


def after(world: World, event: Event) -> list[World]:
    """Of Open vSwitch, what may be true then; none: this cannot happen now."""
    if event is Event.SEND:
        return [replace(world, sent=True, there=made) for made in (False, True)]
    if event is Event.APPLY and not world.there:
        return []
    if event is Event.REFUSE:
        return [] if world.there else [replace(world, sent=False)]
    if event is Event.RESTORE:
        return [replace(world, there=False)]
    return [world]


def ways() -> Iterator[tuple[Phase, World, bool]]:
    """All that a node-apply goes through; True for the last world of its phase."""
    todo = [(Phase.IDLE, World()), (Phase.IDLE, World(same=True))]
    while todo:
        phase, world = todo.pop()
        yield phase, world, True
        for (start, event), made in STEPS.items():
            if (
                start is not phase
                or event is Event.END
                or (event is Event.NOTHING) != (phase is Phase.IDLE and world.same)
            ):
                continue
            for happened in after(world, event):
                first = [happened, *written(happened, made.first)]
                then = [first[-1], *written(first[-1], made.then)]
                yield from ((phase, now, False) for now in first[1:])
                yield from ((made.phase, now, False) for now in then[1:])
                todo.append((made.phase, then[-1]))


def settled(world: World) -> World:
    """By who comes next."""
    if not world.pending:
        return world
    event = found(world.kept, True if world.there else None if world.sent else False)
    made = step(Phase.ORPHANED, event)
    if made.phase is Phase.ROLLING_BACK:
        world = replace(world, there=False)
        made = step(made.phase, Event.RESTORE)
    for now in written(world, made.then):
        world = now
    return world


def test_killed_at_any_point() -> None:
    seen = set()
    for phase, world, _last in ways():
        now = settled(world)
        assert now.whole, (phase, world)
        assert not now.pending, (phase, world)
        assert now.kept == world.kept, (phase, world)
        assert now.tried == ("" if now.kept else "why" if world.sent else "former") or (
            world.same and not world.pending
        ), (phase, world)
        seen.add(phase)
    assert seen == set(Phase) - {Phase.ORPHANED}


def test_nothing_is_done_without_a_checkpoint() -> None:
    for phase, world, _last in ways():
        assert world.pending or world.whole, (phase, world)


def test_ends() -> None:
    """The guard is dismissed, so nobody has anything to do."""
    for phase, world, last in ways():
        if last and phase in SETTLED:
            assert not world.pending
            assert world.whole
            assert world.kept == (phase is Phase.CONFIRMED)
        if last and phase is Phase.LEFT:
            assert world.pending or world.same


def test_what_may_have_been_changed() -> None:
    for phase, world, last in ways():
        if last and not world.same:
            assert touched(phase) == (world.sent and phase is not Phase.DROPPED), (phase, world)


@pytest.mark.parametrize("phase", SETTLED, ids=lambda phase: phase.name)
@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
def test_an_end_is_one(phase: Phase, event: Event) -> None:
    with pytest.raises(KeyError):
        step(phase, event)


def test_nobody_rolls_back_what_is_kept() -> None:
    assert found(kept=True, there=True) is found(kept=True, there=None) is Event.KEEP
    assert step(Phase.ORPHANED, Event.KEEP).phase is Phase.CONFIRMED


def test_who_has_a_guard_may_end() -> None:
    guarded = {phase for phase, world, _last in ways() if world.pending} - SETTLED - {Phase.IDLE}
    assert all(step(phase, Event.END).phase is Phase.ORPHANED for phase in guarded)
