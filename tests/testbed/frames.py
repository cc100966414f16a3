"""Ethernet frames with VLAN tags and a number to know them again by."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Mapping

from tests.testbed.tap import Tap

_VLAN = 0x8100
_EXPERIMENT = 0x88B5  # IEEE 802 local experimental EtherType
_BROADCAST = b"\xff" * 6


def frame(number: int, tags: Iterable[int] = ()) -> bytes:
    """A broadcast frame carrying `number`, with the VLAN IDs `tags`, outermost first."""
    source = b"\xaa\x00\x77\x00" + struct.pack(">H", number)
    headers = b"".join(struct.pack(">HH", _VLAN, vid) for vid in tags)
    payload = struct.pack(">HI", _EXPERIMENT, number)
    return (_BROADCAST + source + headers + payload).ljust(60, b"\0")


def read(data: bytes) -> tuple[int, tuple[int, ...]] | None:
    """(number, VLAN IDs) of one of our frames, None for any other frame."""
    tags: list[int] = []
    position = 12
    while True:
        (kind,) = struct.unpack_from(">H", data, position)
        if kind == _EXPERIMENT:
            return struct.unpack_from(">I", data, position + 2)[0], tuple(tags)
        if kind != _VLAN:
            return None
        tags.append(struct.unpack_from(">H", data, position + 2)[0] & 0xFFF)
        position += 4


def exchange(
    taps: Mapping[str, Tap], sent: Mapping[int, tuple[str, tuple[int, ...]]], quiet: float = 0.7
) -> dict[int, dict[str, tuple[int, ...]]]:
    """Send every frame number -> (tap, VLAN IDs) and return number -> {tap: VLAN IDs seen there}.

    Listens until nothing has come for `quiet` seconds. Fails when a frame comes twice.
    """
    arrived: dict[int, dict[str, tuple[int, ...]]] = {number: {} for number in sent}

    def listen() -> bool:
        heard = False
        for name, tap in taps.items():
            for data in tap.received():
                found = read(data)
                if found is None or found[0] not in arrived:
                    continue
                heard = True
                if name in arrived[found[0]]:
                    raise AssertionError(f"frame {found[0]} came to {name} twice")
                arrived[found[0]][name] = found[1]
        return heard

    for number, (name, tags) in sent.items():
        taps[name].send(frame(number, tags))
        time.sleep(0.005)
        listen()
    last = time.monotonic()
    while time.monotonic() - last < quiet:
        if listen():
            last = time.monotonic()
        time.sleep(0.01)
    return arrived


def flood(sender: Tap, receiver: Tap, seconds: float) -> tuple[float, float]:
    """Send full-size frames for so long; return (bit/s sent, bit/s received)."""
    data = frame(0).ljust(1514, b"\0")
    started = time.monotonic()
    sent = received = 0
    while time.monotonic() - started < seconds:
        for _ in range(8):
            try:
                sender.send(data)
            except BlockingIOError:
                break
            sent += len(data)
        received += sum(map(len, receiver.received()))
    took = time.monotonic() - started
    return sent * 8 / took, received * 8 / took
