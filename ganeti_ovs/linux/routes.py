"""The kernel's default routes, out of routing tables that may be those of the whole Internet.

NOTE: pyroute2 makes an object of every route before it is looked at: 5 s for 400,000 of them,
which only the headers of the messages say that nobody wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from socket import AF_NETLINK, SOCK_RAW, socket
from struct import pack, unpack_from

from ganeti_ovs.linux.link import HEADER, HEADER_SIZE, NLMSG_ERROR

_NLMSG_DONE = 3
_RTM_GETROUTE = 26
_REQUEST_DUMP = 0x301
_RTMSG_SIZE = 12
_DESTINATION_BITS, _TYPE = 1, 7
"""Bytes of struct rtmsg (linux/rtnetlink.h)."""
_UNICAST = 1


def default_routes(limit: float, heard: Callable[[], None]) -> Iterator[bytes]:
    """The messages about default routes to somewhere, of every table and family.

    `heard` is called for whatever the kernel says. Raises OSError when it refuses, or is
    silent for `limit` seconds.
    """
    with socket(AF_NETLINK, SOCK_RAW, 0) as kernel:
        kernel.settimeout(limit)
        size = HEADER_SIZE + _RTMSG_SIZE
        kernel.send(pack(HEADER, size, _RTM_GETROUTE, _REQUEST_DUMP, 1, 0) + bytes(_RTMSG_SIZE))
        while True:
            data = kernel.recv(1 << 20)
            heard()
            start = 0
            while start + HEADER_SIZE <= len(data):
                length, kind = unpack_from("=IH", data, start)
                if kind == _NLMSG_DONE or length < HEADER_SIZE:
                    return
                if kind == NLMSG_ERROR:
                    raise OSError(-unpack_from("=i", data, start + HEADER_SIZE)[0], "netlink")
                route = start + HEADER_SIZE
                if data[route + _DESTINATION_BITS] == 0 and data[route + _TYPE] == _UNICAST:
                    yield data[start : start + length]
                start += (length + 3) & ~3
