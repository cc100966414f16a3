"""What is wrong, as lines for people: `node: severity: subject: words; repair`, 120 columns."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ganeti_ovs.model.fitting import WIDTH, fitted
from ganeti_ovs.model.status import Problem, Severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_ORDER = [Severity.ERROR, Severity.WARNING]


def problem_line(where: str, problem: Problem) -> str:
    """One line, at most WIDTH columns."""
    text = fitted(problem, WIDTH - len(f"{where}: {problem.severity}: "))
    severity = click.style(str(problem.severity), fg=_COLOURS[problem.severity])
    return f"{where}: {severity}: {text}"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then by what they are about."""
    return sorted(problems, key=lambda one: (_ORDER.index(one.severity), one.subject, one.words))
