"""max_bandwidth is what a guest gets: TCP goodput 93 to 102 % of it, UDP 95 to 102 %.

Goodput is what iperf3's receiver counts: payload, without any header. Two guests, each
with a limit of its own, are measured at the same time: together they ask for a small part
of what the machine can carry. `make bench-qos` measures the rates in between.
"""

from __future__ import annotations

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel.job import Flow, Guest, Job, Limit

pytestmark = pytest.mark.rest

M = 10**6
RATES = (2 * M, 200 * M)
"""One whose burst is the least there is, and one whose is a share of it."""
DIRECTIONS = ("out", "in")
TCP = (0.93, 1.02)
UDP = (0.95, 1.02)


def each(rates_: tuple[int, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rate", rates_, ids=lambda rate: f"{rate // M}M")


rates = each(RATES)
directions = pytest.mark.parametrize("direction", DIRECTIONS)


def job(rates_: tuple[int, ...], flow: Flow, **settings: float) -> Job:
    """One guest for each rate, all with the same traffic."""
    factor = 3 if flow.protocol == "udp" else 0
    guests = tuple(
        Guest(
            (Flow(flow.direction, flow.protocol, flow.streams, offered=factor * rate),),
            limit=Limit(rate),
        )
        for rate in rates_
    )
    return Job(guests, **settings)  # type: ignore[arg-type]


def check(
    kernel: Kernel, rates_: tuple[int, ...], rate: int, flow: Flow, **settings: float
) -> None:
    """Measure all of `rates_` at once and assert on `rate`."""
    low, high = (share * rate for share in (UDP if flow.protocol == "udp" else TCP))
    wanted = job(rates_, flow, **settings)
    goodput = kernel.goodput(wanted, rates_.index(rate), low, high)
    assert low <= goodput <= high, (
        f"{goodput / rate:.1%} of {rate / M:g} Mbit/s; {kernel.measure(wanted)}"
    )


@directions
@pytest.mark.parametrize("streams", [1, 8])
@rates
def test_tcp(kernel: Kernel, direction: str, streams: int, rate: int) -> None:
    check(kernel, RATES, rate, Flow(direction, streams=streams))


SLOW = (2 * M, 10 * M)
"""More than three times these would be more packets of 1500 bytes than the machine can send."""


@directions
@each(SLOW)
def test_udp_at_three_times_the_rate(kernel: Kernel, direction: str, rate: int) -> None:
    flow = Flow(direction, "udp")
    # NOTE: without delay, packets that wait in the guest's queue still count as the sender's,
    # which runs in the same kernel and would be slowed to the rate; netem parts the two
    # (skb_orphan_partial).
    delay = 1 if direction == "in" else 0
    check(kernel, SLOW, rate, flow, delay=delay)
    sent = kernel.measure(job(SLOW, flow, delay=delay)).flows[SLOW.index(rate)][0].sent
    assert sent > 1.15 * rate, "the sender was too slow to reach the limit"


@directions
@rates
def test_jumbo_frames(kernel: Kernel, direction: str, rate: int) -> None:
    check(kernel, RATES, rate, Flow(direction), mtu=9000)


@directions
@rates
def test_ipv6(kernel: Kernel, direction: str, rate: int) -> None:
    check(kernel, RATES, rate, Flow(direction), family=6)


@directions
@rates
def test_a_path_of_20_ms(kernel: Kernel, direction: str, rate: int) -> None:
    check(kernel, RATES, rate, Flow(direction), delay=20)


SEGMENTED = (2 * M, 50 * M)


@directions
@each(SEGMENTED)
def test_guests_that_segment_themselves(kernel: Kernel, direction: str, rate: int) -> None:
    check(kernel, SEGMENTED, rate, Flow(direction), offloads=False)
