"""Questions to the kernel by pyroute2: that end in time, and whose answers stay as they come.

NOTE: a dump waits for the kernel's lock of all links within send(2), to which no time limit of a
socket applies; so a thread asks, which may be left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

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

    try:
        import pyroute2  # noqa: F401  (It takes its time, which is not the kernel's.)
    except ModuleNotFoundError as err:
        raise Error(f"{what} are not known: install python3-pyroute2") from err
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(limit)
    if answers:
        return answers[0]
    if not problems:
        raise Error(f"the kernel does not tell {what}: silent for {limit:g} s")
    raise Error(f"the kernel does not tell {what}: {problems[0]}") from problems[0]


@contextmanager
def undecoded(kernel: Any) -> Iterator[None]:
    """Links, addresses and traffic control stay as they come, but for their headers.

    NOTE: to decode all that the kernel says of 4000 links and their addresses takes
    pyroute2 2 s. Its 0.7.2 keeps one map of classes for the whole process.
    """
    from pyroute2.netlink import nlmsg, rtnl

    kinds = [
        rtnl.RTM_NEWLINK, rtnl.RTM_NEWADDR, rtnl.RTM_NEWQDISC, rtnl.RTM_NEWTCLASS,
        rtnl.RTM_NEWTFILTER,
    ]  # fmt: skip
    before = kernel.get_policy_map(kinds)
    kernel.register_policy(dict.fromkeys(kinds, nlmsg))
    try:
        yield
    finally:
        kernel.register_policy(before)


def raw(message: Any) -> bytes:
    """All of a message that is undecoded, its header too."""
    return bytes(message.data[message.offset : message.offset + message.length])
