"""A problem in a line of so many columns, with its repair as it is to be typed."""

from __future__ import annotations

from dataclasses import replace

from ganeti_ovs.model.status import Problem

WIDTH = 120
"""Columns of a line for people."""
_LEAST = 30
"""Columns that words keep; a repair that leaves them less stands in JSON alone."""
_OF_GANETI = "gnt-"
"""What commands for the master begin with, but for one."""
_RECONCILE = "gnt-ovs reconcile"


def fitted(problem: Problem, width: int) -> str:
    """The problem's line; words that are too long are cut, a repair never is."""
    subject = f"{problem.subject}: " if problem.subject else ""
    repair = f"; {problem.repair}" if problem.repair else ""
    room = width - len(subject) - len(repair)
    if room < min(_LEAST, len(problem.words)):
        room, repair = width - len(subject), ""
    return _cut(f"{subject}{_cut(problem.words, room)}{repair}", width)


def on_master(problem: Problem, node: str, width: int) -> str:
    """The line of a problem of `node` for one who is on the master.

    The node's name is cut at its first dot, as gnt-ovs takes it, where else the repair would have
    to be left out.
    """
    line = ""
    for name in dict.fromkeys((node, node.partition(".")[0])):
        repair = _from_master(problem.repair, name)
        line = fitted(replace(problem, repair=repair), width)
        if line.endswith(repair):
            return line
    return line


def on_node(problem: Problem, width: int) -> str:
    """The same for one who is on that node."""
    repair = problem.repair
    if repair.startswith(_OF_GANETI) and not repair.startswith(_RECONCILE):
        problem = replace(problem, repair=f"on the master: {repair}")
    return fitted(problem, width)


def _from_master(repair: str, node: str) -> str:
    if repair.startswith(_RECONCILE):
        return f"gnt-ovs apply -n {node}"
    if not repair or repair.startswith(_OF_GANETI):
        return repair
    return f"on {node}: {repair}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 3, 0)]}..."
