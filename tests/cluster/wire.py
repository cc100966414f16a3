"""What one guest's cables at the physical switch carry: every frame from and to its MAC."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.cluster.lab import Cluster

# Runs in the physical network. The kernel tells apart what comes in and what goes out (type 4).
_LISTEN = r"""
import select, socket, struct, sys, time
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
names = {}
for name in sys.argv[2:]:
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    listener.bind((name, 0))
    names[listener] = name
print(flush=True)
while True:
    for listener in select.select(list(names), [], [])[0]:
        data, (_, _, way, _, _) = listener.recvfrom(2048)
        if mac not in (data[:6], data[6:12]):
            continue
        (kind,) = struct.unpack(">H", data[12:14])
        what = {0x0806: "ARP", 0x8035: "RARP"}.get(kind, hex(kind))
        if kind == 0x0800 and data[23] == 1:
            what = f"ping-{struct.unpack('>H', data[40:42])[0]}"
        print(time.time(), names[listener], way == 4, data[6:12] == mac, what, flush=True)
"""


@dataclass(frozen=True)
class Frame:
    """`time` is in seconds since the epoch; `out` of the switch; `sent` by the guest."""

    time: float
    port: str
    out: bool
    sent: bool
    what: str

    def __str__(self) -> str:
        way = "to" if self.out else "from"
        return f"{self.time % 60:6.3f} {self.what} {way} {self.port}"


@contextmanager
def frames(cluster: Cluster, mac: str) -> Iterator[list[Frame]]:
    """Listen at the nodes' first cables during the block; after it, the list is in order."""
    ports = [f"t{number}.1" for number in range(1, len(cluster.boxes))]
    listener = subprocess.Popen(
        ["nsenter", "-t", str(cluster.boxes[0].pid), "--net",
         sys.executable, "-c", _LISTEN, mac, *ports],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    found: list[Frame] = []
    try:
        assert listener.stdout and listener.stdout.readline() == "\n", "nobody listens"
        yield found
        time.sleep(0.2)
    finally:
        listener.terminate()
        out, _ = listener.communicate(timeout=10)
    for line in out.splitlines():
        when, port, way, sent, what = line.split()
        found.append(Frame(float(when), port, way == "True", sent == "True", what))


def homes(found: list[Frame]) -> list[str]:
    """The ports at which the guest's own frames come in, in order: where its MAC is learned."""
    ports = [frame.port for frame in found if frame.sent and not frame.out]
    return [port for before, port in zip(["", *ports], ports) if port != before]


def longest_gap(found: list[Frame]) -> str:
    """The longest time in which the guest sent nothing, and every frame around and within it."""
    sent = [i for i, frame in enumerate(found) if frame.sent and not frame.out]
    gaps = [(found[j].time - found[i].time, i, j) for i, j in itertools.pairwise(sent)]
    if not gaps:
        return "the guest sent less than two frames"
    gap, first, last = max(gaps)
    around = found[max(first - 4, 0) : last + 8]
    return f"{gap:.3f} s without a frame of the guest: " + "; ".join(map(str, around))
