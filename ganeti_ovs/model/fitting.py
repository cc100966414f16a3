"""A problem in a line of so many columns."""

from __future__ import annotations

from ganeti_ovs.model.status import Problem

WIDTH = 120
"""Columns of a line for people."""
_LEAST = 40
"""Columns that words keep; a repair that leaves them less stands in JSON alone."""


def fitted(problem: Problem, width: int) -> str:
    """The problem's line; words that are too long are cut, a repair never is."""
    subject = f"{problem.subject}: " if problem.subject else ""
    repair = f"; {problem.repair}" if problem.repair else ""
    room = width - len(subject) - len(repair)
    if room < min(_LEAST, len(problem.words)):
        room, repair = width - len(subject), ""
    return _cut(f"{subject}{_cut(problem.words, room)}{repair}", width)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 3, 0)]}..."
