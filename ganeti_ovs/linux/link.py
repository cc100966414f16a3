"""The tap as a network interface of this node: is it there, is it a guest's, set it up.

By rtnetlink(7), two small messages: starting ip(8) would cost as much as the
whole transaction, and so would importing a library for it.
"""

from __future__ import annotations

from _socket import AF_NETLINK, SOCK_RAW, if_nameindex, socket
from os import strerror
from struct import calcsize, pack, unpack_from

from ganeti_ovs.model.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Formats of struct nlmsghdr and struct ifinfomsg, numbers of linux/netlink.h,
# linux/rtnetlink.h and linux/if_link.h.
HEADER = "=IHHII"
IFINFO = "=BxHiII"
HEADER_SIZE = calcsize(HEADER)
_BODY = HEADER_SIZE + calcsize(IFINFO)
NLMSG_ERROR = 2
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_NLM_F_REQUEST, _NLM_F_ACK = 1, 4
IFLA_IFNAME, IFLA_MASTER = 3, 10
IFLA_MTU, _IFLA_LINKINFO, _IFLA_INFO_KIND = 4, 18, 1
IFF_UP, _IFF_LOWER_UP = 1, 1 << 16
_ENODEV = 19
_NESTED = 0x7FFF

_LIMIT = 2.0
"""Seconds in which the kernel must answer."""


class Link:
    """The interface `tap` of this network namespace. Raises Error when there is none."""

    def __init__(self, tap: str) -> None:
        self.tap = tap
        self._kernel = socket(AF_NETLINK, SOCK_RAW, 0)
        self._kernel.settimeout(_LIMIT)
        name = tap.encode() + b"\0"
        attribute = pack("=HH", 4 + len(name), IFLA_IFNAME) + name
        answer = self._ask(
            _RTM_GETLINK, _NLM_F_REQUEST, pack(IFINFO, 0, 0, 0, 0, 0) + attribute + b"\0" * 3
        )
        _family, _type, self.index, flags, _change = unpack_from(IFINFO, answer, HEADER_SIZE)
        self.up = bool(flags & IFF_UP)
        self.carrier = bool(flags & _IFF_LOWER_UP)
        """Means nothing while it is not up."""
        self.mtu = 0
        """Bytes; 0 if the kernel does not say."""
        self.kind = ""
        """The kernel's word for what it is: tun, openvswitch, bridge, …; empty for hardware."""
        for kind, start, end in attributes(answer, _BODY, len(answer)):
            if kind == IFLA_MTU:
                self.mtu = unpack_from("=I", answer, start)[0]
            elif kind == _IFLA_LINKINFO:
                for inner, first, last in attributes(answer, start, end):
                    if inner == _IFLA_INFO_KIND:
                        self.kind = answer[first:last].rstrip(b"\0").decode(errors="replace")

    def close(self) -> None:
        """Give the kernel's socket back, which else the end of the process does."""
        self._kernel.close()

    def check_guest(self) -> None:
        """Raise Error unless it is a guest's: a KVM tap, or by its name a Xen vif.

        Whatever Ganeti hands us is put on a vSwitch, where its own addresses
        no longer work; a device of the node itself must never pass.
        """
        # NOTE: xen-netback's interfaces have no link kind.
        if self.kind != "tun" and not (not self.kind and self.tap.startswith("vif")):
            raise Error(f"{self.tap} is no guest's interface (kind {self.kind or 'physical'!r})")

    def set_up(self) -> None:
        """Set it administratively up. Raises Error when the kernel refuses."""
        self._set(IFF_UP)

    def set_down(self) -> None:
        """Set it administratively down. Raises Error when the kernel refuses."""
        self._set(0)

    def set_mtu(self, mtu: int) -> None:
        """Set its MTU (bytes). Raises Error when the kernel refuses."""
        self._set(0, 0, pack("=HHI", 8, IFLA_MTU, mtu))

    def _set(self, flag: int, mask: int = IFF_UP, attribute: bytes = b"") -> None:
        self._ask(
            _RTM_NEWLINK,
            _NLM_F_REQUEST | _NLM_F_ACK,
            pack(IFINFO, 0, 0, self.index, flag, mask) + attribute,
        )

    def _ask(self, kind: int, flags: int, body: bytes) -> bytes:
        size = HEADER_SIZE + len(body)
        try:
            self._kernel.send(pack(HEADER, size, kind, flags, 1, 0) + body)
            answer = self._kernel.recv(1 << 16)
        except OSError as err:
            raise Error(f"{self.tap}: the kernel does not answer: {err.strerror or err}") from err
        if unpack_from(HEADER, answer)[1] == NLMSG_ERROR:
            code = -unpack_from("=i", answer, HEADER_SIZE)[0]
            if code:
                what = "there is no such interface" if code == _ENODEV else strerror(code)
                raise Error(f"{self.tap}: {what}")
        return answer


def interfaces() -> dict[str, int]:
    """This node's network interfaces: name -> number (ifindex)."""
    return {name: index for index, name in if_nameindex()}


def attributes(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(type, start of the payload, its end) of each struct rtattr in data[start:end]."""
    while start + 4 <= end:
        length, kind = unpack_from("=HH", data, start)
        if length < 4:
            return
        yield kind & _NESTED, start + 4, start + length
        start += (length + 3) & ~3
