"""What is wrong, as lines for people: `node: severity: subject: words; repair`, 120 columns."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ganeti_ovs.model.status import Problem, Severity

WIDTH = 120
"""Columns of a line."""
_LEAST = 40
"""Columns that words keep; a repair that leaves them less is left to --json."""
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_ORDER = [Severity.ERROR, Severity.WARNING]


def problem_line(where: str, problem: Problem) -> str:
    """One line, at most WIDTH columns: words that are too long are cut, a repair never is."""
    head = f"{where}: {problem.severity}: "
    subject = f"{problem.subject}: " if problem.subject else ""
    repair = f"; {problem.repair}" if problem.repair else ""
    room = WIDTH - len(head) - len(subject) - len(repair)
    if room < min(_LEAST, len(problem.words)):
        room, repair = WIDTH - len(head) - len(subject), ""
    text = _cut(f"{subject}{_cut(problem.words, room)}{repair}", WIDTH - len(head))
    severity = click.style(str(problem.severity), fg=_COLOURS[problem.severity])
    return f"{where}: {severity}: {text}"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then by what they are about."""
    return sorted(problems, key=lambda one: (_ORDER.index(one.severity), one.subject, one.words))


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 3, 0)]}..."
