"""A guest behind a real tap: what qemu does with one, for a network namespace.

Two taps, and a program that hands what it reads at one to the other: the switch's end
gets what a guest's virtio card would give it, packets of up to 64 kB included.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import struct
import subprocess
import sys
from fcntl import ioctl

from tests.kernel.guest.system import die_with_parent, run

_TUNSETIFF = 0x400454CA
_TUNSETOFFLOAD = 0x400454D0
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_CSUM, _TSO4, _TSO6 = 0x01, 0x02, 0x04
_LARGEST = 65536 + 64
"""bytes: the largest packet with its Ethernet and virtio headers."""


def connect(outer: str, inner: str, name: str, instance: str, device: str) -> int:
    """Make the device `outer` and, in the network namespace `name`, its other end `inner`.

    They are gone when this program ends. Returns the pid of the process that holds them:
    its command line says what qemu's would, of the guest `instance` with the NIC `device`.
    """
    temporary = f"{outer}i"
    ends = [_open(outer), _open(temporary)]
    run("ip", "link", "set", temporary, "netns", name, "name", inner)
    # In a process of its own: this one waits for other things.
    command = [sys.executable, "-B", "-m", __name__, *map(str, ends)]
    command += ["-name", instance, "-netdev", f"type=tap,id={device},fd={ends[0]}"]
    process = subprocess.Popen(die_with_parent(command), pass_fds=ends)
    for end in ends:
        os.close(end)
    return process.pid


def _open(name: str) -> int:
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR
    ioctl(end, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    ioctl(end, _TUNSETOFFLOAD, _CSUM | _TSO4 | _TSO6)
    return end


def relay(first: int, second: int) -> None:
    """Hand packets from each end to the other, for ever."""
    with selectors.DefaultSelector() as ready:
        ready.register(first, selectors.EVENT_READ, second)
        ready.register(second, selectors.EVENT_READ, first)
        while True:
            for key, _events in ready.select():
                _drain(key.fd, key.data)


def _drain(source: int, target: int) -> None:
    try:
        while True:
            packet = os.read(source, _LARGEST)
            # What the other end does not take is lost, as on any card.
            with contextlib.suppress(OSError):
                os.write(target, packet)
    except BlockingIOError:
        return


if __name__ == "__main__":
    relay(int(sys.argv[1]), int(sys.argv[2]))
