"""What is wrong, as lines for people: `node: severity: subject: words; repair`, 120 columns."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ganeti_ovs.model.fitting import WIDTH, on_master, on_node
from ganeti_ovs.model.status import Problem, Severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_ORDER = [Severity.ERROR, Severity.WARNING]


def problem_line(where: str, problem: Problem, *, here: bool = False) -> str:
    """One line, at most WIDTH columns. `here`: who reads it is on that node, not on the master."""
    width = WIDTH - len(f"{where}: {problem.severity}: ")
    text = on_node(problem, width) if here else on_master(problem, where.strip(), width)
    severity = click.style(str(problem.severity), fg=_COLOURS[problem.severity])
    return f"{where}: {severity}: {text}"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then by what they are about."""
    return sorted(problems, key=lambda one: (_ORDER.index(one.severity), one.subject, one.words))
