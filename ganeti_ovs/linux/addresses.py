"""Which interfaces the node itself lives on: its addresses, default routes, the path to the master.

By rtnetlink(7), as in `link`. A device that becomes an uplink hands every frame
to its vSwitch: what the kernel has on it stops working.
"""

from __future__ import annotations

import _socket as socket
from struct import calcsize, pack, unpack_from

from ganeti_ovs.linux.link import attributes
from ganeti_ovs.model.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# NOTE: _socket, for the reason given in ganeti_ovs.ovsdb.client.

# Formats of struct nlmsghdr, ifinfomsg, ifaddrmsg and rtmsg; numbers of linux/netlink.h,
# linux/rtnetlink.h, linux/if_link.h and linux/if_addr.h.
_HEADER, _IFINFO, _IFADDR, _RTMSG = "=IHHII", "=BxHiII", "=BBBBI", "=BBBBBBBBI"
_HEADER_SIZE = calcsize(_HEADER)
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_GETLINK, _RTM_GETADDR, _RTM_GETROUTE = 18, 22, 26
_REQUEST, _DUMP = 1, 0x300
_IFLA_IFNAME, _IFLA_MASTER = 3, 10
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_MULTIPATH = 1, 4, 9
_SCOPE_LINK = 253
_UNICAST = 1

_LIMIT = 5.0
"""Seconds in which the kernel must answer."""


def carries(master: str) -> dict[str, str]:
    """Interface -> what depends on it, in words; also of those that are part of such a one.

    Loopback and link-local addresses do not count. `master` is the address of who calls by
    ssh; "": nobody does.
    """
    with _Kernel() as kernel:
        names, masters = kernel.links()
        found: dict[int, list[str]] = {}
        for index, address in kernel.addresses():
            found.setdefault(index, []).append(f"the node's address {address}")
        for index in kernel.default_routes():
            found.setdefault(index, []).append("the default route")
        out = kernel.route(master) if master else None
        if out is not None:
            found.setdefault(out, []).append(f"the path to {master}")
    words = {index: " and ".join(dict.fromkeys(what)) for index, what in found.items()}
    result = {names[index]: what for index, what in words.items() if index in names}
    for index, name in names.items():
        above = index
        for _step in range(len(names)):
            above = masters.get(above, 0)
            if above in words:
                result.setdefault(name, f"{words[above]} (by {names.get(above, '?')})")
    loopback = next((name for index, name in names.items() if index == 1), "lo")
    result.pop(loopback, None)
    return result


class _Kernel:
    """A netlink socket of this network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.settimeout(_LIMIT)

    def __enter__(self) -> _Kernel:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._socket.close()

    def links(self) -> tuple[dict[int, str], dict[int, int]]:
        """(index -> name, index -> index of the bridge or bond that it is part of)."""
        names, masters = {}, {}
        for data in self._ask(_RTM_GETLINK, _DUMP, pack(_IFINFO, 0, 0, 0, 0, 0)):
            index = unpack_from(_IFINFO, data)[2]
            for kind, start, end in attributes(data, calcsize(_IFINFO), len(data)):
                if kind == _IFLA_IFNAME:
                    names[index] = data[start:end].rstrip(b"\0").decode(errors="replace")
                elif kind == _IFLA_MASTER:
                    masters[index] = unpack_from("=I", data, start)[0]
        return names, masters

    def addresses(self) -> Iterator[tuple[int, str]]:
        """(index of the interface, address)."""
        for data in self._ask(_RTM_GETADDR, _DUMP, pack(_IFADDR, 0, 0, 0, 0, 0)):
            family, _prefix, _flags, scope, index = unpack_from(_IFADDR, data)
            if scope >= _SCOPE_LINK or family not in (socket.AF_INET, socket.AF_INET6):
                continue
            found = {
                kind: data[start:end]
                for kind, start, end in attributes(data, calcsize(_IFADDR), len(data))
            }
            address = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
            if address:
                yield index, socket.inet_ntop(family, address)

    def default_routes(self) -> Iterator[int]:
        """The interfaces of all default routes, of every table."""
        for data in self._ask(_RTM_GETROUTE, _DUMP, pack(_RTMSG, 0, 0, 0, 0, 0, 0, 0, 0, 0)):
            fields = unpack_from(_RTMSG, data)
            if fields[1] == 0 and fields[7] == _UNICAST:
                yield from _outputs(data)

    def route(self, address: str) -> int | None:
        """The interface by which `address` is reached; None if it is not, or is no address."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            target = socket.inet_pton(family, address)
        except OSError:
            return None
        body = pack(_RTMSG, family, len(target) * 8, 0, 0, 0, 0, 0, 0, 0)
        body += pack("=HH", 4 + len(target), _RTA_DST) + target
        try:
            return next(out for data in self._ask(_RTM_GETROUTE, 0, body) for out in _outputs(data))
        except (StopIteration, Error):
            return None

    def _ask(self, kind: int, flags: int, body: bytes) -> Iterator[bytes]:
        """The payloads of the answer's messages."""
        try:
            size = _HEADER_SIZE + len(body)
            self._socket.send(pack(_HEADER, size, kind, _REQUEST | flags, 1, 0) + body)
            more = True
            while more:
                data = self._socket.recv(1 << 20)
                start = 0
                while start + _HEADER_SIZE <= len(data):
                    length, what = unpack_from("=IH", data, start)
                    if what == _NLMSG_DONE:
                        return
                    if what == _NLMSG_ERROR:
                        code = -unpack_from("=i", data, start + _HEADER_SIZE)[0]
                        raise OSError(code, "netlink")
                    yield data[start + _HEADER_SIZE : start + length]
                    start += (length + 3) & ~3
                more = bool(flags & _DUMP)
        except OSError as err:
            raise Error(f"the kernel does not tell the node's addresses: {err}") from err


def _outputs(data: bytes) -> Iterator[int]:
    """The interfaces that a route leads to."""
    for kind, start, end in attributes(data, calcsize(_RTMSG), len(data)):
        if kind == _RTA_OIF:
            yield unpack_from("=I", data, start)[0]
        elif kind == _RTA_MULTIPATH:
            hop = start
            while hop + 8 <= end:
                length, _flags, _hops, index = unpack_from("=HBBi", data, hop)
                yield index
                hop += max(length, 8)
