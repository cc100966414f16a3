"""Questions to the kernel that end in time.

NOTE: a dump waits for the kernel's lock of all links within send(2), to which no time limit of a
socket applies; so a thread asks, which may be left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

from ganeti_ovs.model.errors import Error

T = TypeVar("T")


def in_time(question: Callable[[], T], limit: float, what: str) -> T:
    """What `question` answers, within `limit` seconds. Raises Error, which says that the kernel
    does not tell `what`, also when pyroute2 is missing.
    """
    answers: list[T] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(question())
        except Exception as err:
            problems.append(err)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(limit)
    if answers:
        return answers[0]
    if not problems:
        raise Error(f"the kernel does not tell {what}: silent for {limit:g} s")
    if isinstance(problems[0], ModuleNotFoundError):
        raise Error(f"{what} is not known: install python3-pyroute2") from problems[0]
    raise Error(f"the kernel does not tell {what}: {problems[0]}") from problems[0]
