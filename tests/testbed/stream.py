"""A stream of numbered frames between a guest and the uplinks, while something changes."""

from __future__ import annotations

import subprocess
import time

from tests.testbed.frames import frame, read
from tests.testbed.tap import Tap

_PAUSE = 0.002
_AFTER = 0.3
_DRAIN = 0.3


def lost_during(
    command: subprocess.Popen[str], guest: Tap, uplinks: list[Tap], vlan: int
) -> tuple[int, int, int, int]:
    """(frames sent each way, lost to the uplinks, lost to the guest, doubled) in the meantime.

    The guest sends untagged and hears untagged. The other side is in `vlan` and does
    what a switch with these cables does to broadcasts: they come by all of them, and
    of each the guest should hear one copy. What the guest sends may come by any, once.
    """
    doubled: list[int] = []
    up: set[int] = set()
    down: set[int] = set()

    def listen() -> None:
        for uplink in uplinks:
            for data in uplink.received():
                found = read(data)
                if found and found[0] % 2 and found[1] == (vlan,):
                    doubled.extend({found[0]} & up)
                    up.add(found[0])
        for data in guest.received():
            found = read(data)
            if found and not found[0] % 2 and found[1] == ():
                doubled.extend({found[0]} & down)
                down.add(found[0])

    for tap in (guest, *uplinks):
        tap.received()
    number = 0
    ended = 0.0
    started = time.monotonic()
    while not ended or time.monotonic() < ended + _AFTER:
        number += 2
        guest.send(frame(number - 1))
        for uplink in uplinks:
            uplink.send(frame(number, (vlan,)))
        time.sleep(_PAUSE)
        listen()
        if not ended and command.poll() is not None:
            ended = time.monotonic()
        assert time.monotonic() < started + 60
    last = time.monotonic()
    while time.monotonic() < last + _DRAIN:
        listen()
        time.sleep(_PAUSE)
    _out, error = command.communicate(timeout=10)
    assert command.returncode == 0, error
    sent = number // 2
    return sent, sent - len(up), sent - len(down), len(doubled)
