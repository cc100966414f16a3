"""Which interfaces the node itself lives on: its addresses, default routes, the path to the master.

By pyroute2, and so for everything but the way of one tap. A device that becomes an uplink
hands every frame to its vSwitch: what the kernel has on it stops working.
"""

from __future__ import annotations

from collections import defaultdict
from socket import AF_INET, AF_INET6
from struct import calcsize, unpack_from
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from ganeti_ovs.linux.asking import undecoded
from ganeti_ovs.linux.link import HEADER_SIZE, IFINFO, IFLA_IFNAME, IFLA_MASTER, attributes
from ganeti_ovs.linux.routes import default_routes
from ganeti_ovs.model.errors import Error

_LIMIT = 5.0
"""Seconds for which the kernel may be silent."""
_TRIES = 10
"""How often everything is asked, as long as links, addresses or routes change meanwhile."""
_LOOPBACK = 1
"""The interface number of lo, in every network namespace."""
_SCOPE_LINK = 253

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Carried = defaultdict[int, dict[str, None]]
    """Interface number -> what depends on it, in words, each once, in order."""


def carries(master: str) -> dict[str, str]:
    """Interface -> what depends on it, in words; also of those that are part of such a one.

    Loopback and link-local addresses do not count. `master` is the address by which the
    master calls, "" if it does not. Raises Error.
    """
    names, masters, found = _asked(master)
    words = {index: " and ".join(what) for index, what in found.items() if index in names}
    result = {names[index]: what for index, what in words.items()}
    for index, name in names.items():
        above = _above(index, masters, words)
        if above:
            result.setdefault(name, f"{words[above]} (by {names[above]})")
    result.pop(names.get(_LOOPBACK, "lo"), None)
    return result


def _above(index: int, masters: dict[int, int], words: dict[int, str]) -> int:
    """The nearest bridge or bond of which it is a part, at any depth, that has `words`; else 0."""
    seen = {index}
    above = masters.get(index, 0)
    while above and above not in words and above not in seen:
        seen.add(above)
        above = masters.get(above, 0)
    return above if above in words else 0


def _asked(master: str) -> tuple[dict[int, str], dict[int, int], Carried]:
    """What the kernel says: (number -> name, number -> its master's, what depends on them).

    NOTE: a dump waits for the kernel's lock of all links within send(2), to which no time
    limit of a socket applies; so a thread asks, which may be left behind.
    """
    answers: list[Any] = []
    heard = _Heard()
    thread = Thread(target=_ask, args=(master, answers, heard), daemon=True)
    thread.start()
    while not answers and (left := heard.at + _LIMIT - monotonic()) > 0:
        thread.join(left)
    if not answers:
        raise Error(f"the kernel does not tell the node's addresses: silent for {_LIMIT:g} s")
    answer = answers[0]
    if isinstance(answer, ModuleNotFoundError):
        raise Error("the node's addresses are not known: install python3-pyroute2") from answer
    if isinstance(answer, Exception):
        raise Error(f"the kernel does not tell the node's addresses: {answer}") from answer
    names, masters, found = answer
    return names, masters, found


class _Heard:
    """When the kernel has said something last; a full routing table takes it longer than _LIMIT."""

    def __init__(self) -> None:
        self.at = monotonic()

    def now(self) -> None:
        """Note it."""
        self.at = monotonic()

    def each(self, messages: Iterable[Any]) -> Iterator[Any]:
        """Note that each of them has come."""
        for message in messages:
            self.now()
            yield message


def _ask(master: str, answers: list[Any], heard: _Heard) -> None:
    """Put the answer into `answers`, or the exception instead of one."""
    try:
        from pyroute2 import IPRoute, NetlinkDumpInterrupted

        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                with IPRoute() as kernel, undecoded(kernel):
                    answers.append((*_links(kernel, heard), _carried(kernel, master, heard)))
                return
            except NetlinkDumpInterrupted:
                if last:
                    raise  # Something comes or goes all the time.
    except Exception as err:
        answers.append(err)


def _links(kernel: Any, heard: _Heard) -> tuple[dict[int, str], dict[int, int]]:
    """(number -> name, number -> that of the bridge or bond that it is part of)."""
    names, masters = {}, {}
    for message in heard.each(kernel.get_links()):
        data = message.data[message.offset : message.offset + message.length]
        index = unpack_from(IFINFO, data, HEADER_SIZE)[2]
        for kind, start, end in attributes(data, HEADER_SIZE + calcsize(IFINFO), len(data)):
            if kind == IFLA_IFNAME:
                names[index] = data[start:end].rstrip(b"\0").decode(errors="replace")
            elif kind == IFLA_MASTER:
                masters[index] = unpack_from("=I", data, start)[0]
    return names, masters


def _carried(kernel: Any, master: str, heard: _Heard) -> Carried:
    """Addresses of the node, default routes of every table, and the way to `master`."""
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    found: Carried = defaultdict(dict)
    for message in heard.each(kernel.get_addr()):
        family, _prefix, _flags, scope = _head(message, 4)
        if scope < _SCOPE_LINK and family in (AF_INET, AF_INET6):
            full = _decoded(message, ifaddrmsg)
            address = full.get_attr("IFA_LOCAL") or full.get_attr("IFA_ADDRESS")
            found[full["index"]][f"the node's address {address}"] = None
    for data in default_routes(_LIMIT, heard.now):
        route = rtmsg(data)
        route.decode()
        for index in _outputs(route):
            found[index]["the default route"] = None
    for index in _way(kernel, master):
        found[index][f"the path to {master}"] = None
    return found


def _head(message: Any, size: int) -> bytes:
    """The first bytes of what follows the message's header: struct ifaddrmsg, struct rtmsg."""
    start = message.offset + HEADER_SIZE
    return bytes(message.data[start : start + size])


def _decoded(message: Any, kind: Any) -> Any:
    """The message with all its attributes, as pyroute2's class `kind`."""
    full = kind(message.data, offset=message.offset)
    full.decode()
    return full


def _way(kernel: Any, master: str) -> list[int]:
    """The interface by which `master` is reached; none if it is not, or is no address."""
    from pyroute2 import NetlinkError

    if not master:
        return []
    try:
        answer = kernel.route("get", dst=master)
        return [out for route in answer for out in _outputs(route)][:1]
    except (OSError, ValueError, NetlinkError):
        return []


def _outputs(route: Any) -> Iterator[int]:
    """The interfaces that a route leads to."""
    if out := route.get_attr("RTA_OIF"):
        yield out
    for hop in route.get_attr("RTA_MULTIPATH") or ():
        yield hop["oif"]
