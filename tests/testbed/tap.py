"""A guest's tap, held open at the guest's end as qemu holds it."""

from __future__ import annotations

import os
import struct
from fcntl import ioctl

_TUNSETIFF = 0x400454CA
_TUNSETPERSIST = 0x400454CB
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000


class Tap:
    """Made in the caller's network namespace; gone when closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            ioctl(
                self._fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI)
            )
        except OSError:
            os.close(self._fd)
            raise

    def __enter__(self) -> Tap:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def fileno(self) -> int:
        return self._fd

    def send(self, frame: bytes) -> None:
        """The guest sends an Ethernet frame."""
        os.write(self._fd, frame)

    def received(self) -> list[bytes]:
        """The frames that have reached the guest since the last call."""
        frames = []
        while True:
            try:
                frames.append(os.read(self._fd, 65536))
            except BlockingIOError:
                return frames

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
