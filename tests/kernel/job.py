"""What is to be measured, and what came out: plain values that travel as one JSON line each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Columns:
    """Open vSwitch's columns that limit one port, in their own units."""

    policing_rate: int = 0
    """Interface.ingress_policing_rate, kbit/s (1000 bit); 0: no limit on what the guest sends."""
    policing_burst: int = 0
    """Interface.ingress_policing_burst, kbit (1024 bit); 0: vswitchd's default, 8000."""
    qos: dict[str, str] = field(default_factory=dict)
    """QoS.other_config of linux-htb; empty: what the guest receives is not limited."""
    queue: dict[str, str] = field(default_factory=dict)
    """Queue.other_config of queue 0; empty: no Queue row."""


@dataclass(frozen=True)
class Limit:
    """What an administrator writes; the product makes columns of it."""

    max_bandwidth: int = 0
    """bit/s; 0: unlimited."""
    max_burst: int = 0
    """bit; 0: chosen by the product."""


@dataclass(frozen=True)
class Flow:
    """Traffic between one guest and the network, measured at its receiver."""

    direction: str
    """`out`: the guest sends; `in`: it receives."""
    protocol: str = "tcp"
    streams: int = 1
    offered: int = 0
    """bit/s of payload to send, all streams together; 0: as much as TCP can."""


@dataclass(frozen=True)
class Guest:
    """One guest: its limits, and the traffic it has. All traffic of a job is simultaneous."""

    flows: tuple[Flow, ...]
    columns: Columns = field(default_factory=Columns)
    """Written with ovs-vsctl, where there is no `limit`."""
    limit: Limit | None = None
    """Written by the product."""
    live: Limit | None = None
    """What replaces `limit` on the attached port, after a third of the measured time: by the
    product's hook, which takes some seconds here, so only of a guest with a `script`.
    """
    script: str = ""
    """The product's kvm-vif-bridge: the guest has a real tap, which this script attaches with
    `limit`. Only one guest of a job can have it.
    """


@dataclass(frozen=True)
class Job:
    """One measurement."""

    guests: tuple[Guest, ...]
    mtu: int = 1500
    """bytes, at all interfaces."""
    offloads: bool = True
    """True: senders hand packets of up to 64 kB to the switch (TSO/GSO), as taps do."""
    delay: float = 0
    """ms that packets from the network to the guests take longer (so the round trip, too)."""
    family: int = 4
    """4: IPv4; 6: IPv6."""
    warmup: int = 2
    """s that run first and do not count."""
    seconds: int = 10
    """s that count."""
    spoil: bool = False
    """True: somebody takes the guests' qdiscs away by tc in the end."""

    def line(self) -> str:
        """This job as one line of JSON."""
        return json.dumps(asdict(self))


def parse_job(line: str) -> Job:
    """The reverse of Job.line."""
    data: dict[str, Any] = json.loads(line)
    guests = tuple(
        Guest(
            flows=tuple(Flow(**flow) for flow in guest["flows"]),
            columns=Columns(**guest["columns"]),
            limit=Limit(**guest["limit"]) if guest["limit"] else None,
            live=Limit(**guest["live"]) if guest["live"] else None,
            script=guest["script"],
        )
        for guest in data.pop("guests")
    )
    return Job(guests=guests, **data)


@dataclass(frozen=True)
class Measured:
    """What one flow got."""

    goodput: float
    """bit/s of payload that arrived, mean of the measured time."""
    intervals: tuple[float, ...]
    """bit/s of payload that arrived in each second, the warm-up's included."""
    retransmits: int
    """Segments that TCP sent again; -1 for UDP."""
    sent: float
    """bit/s of payload that were sent."""
    lost: float
    """Share of the UDP packets that did not arrive, 0 to 1; -1 for TCP."""


@dataclass(frozen=True)
class Result:
    """What came out of a job."""

    flows: tuple[tuple[Measured, ...], ...]
    """For every guest, for every one of its flows."""
    tc: tuple[str, ...]
    """For every guest, what `tc -s -d` shows at its port, after the traffic."""
    rows: tuple[int, int]
    """How many QoS and Queue rows the database has, after the traffic."""
    busy: float
    """Share of the machine's processors in use while it measured, 0 to 1."""
    changed: tuple[float, float] = (0, 0)
    """When the hook for `live` was started and had ended, s after the traffic's start."""
    limits: tuple[tuple[int, int], ...] = ()
    """For every guest, what the product finds that the kernel limits: (sends, receives), bit/s."""
    spoiled: tuple[tuple[int, int], ...] = ()
    """The same after the qdiscs were taken away."""
    error: str = ""


def parse_result(line: str) -> Result:
    """A Result that was written as one line of JSON."""
    data: dict[str, Any] = json.loads(line)
    return Result(
        flows=tuple(tuple(Measured(**flow) for flow in guest) for guest in data["flows"]),
        tc=tuple(data["tc"]),
        rows=(data["rows"][0], data["rows"][1]),
        busy=data["busy"],
        changed=(data["changed"][0], data["changed"][1]),
        limits=tuple((one[0], one[1]) for one in data["limits"]),
        spoiled=tuple((one[0], one[1]) for one in data["spoiled"]),
        error=data["error"],
    )
