"""max_burst, changes on a live port, limits removed, and what a limit does to others."""

from __future__ import annotations

import math
import re

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel.job import Flow, Guest, Job, Limit

pytestmark = pytest.mark.rest

M = 10**6
directions = pytest.mark.parametrize("direction", ["out", "in"])


def tc_bytes(text: str, key: str) -> int:
    """The number of bytes after `key` in tc's output (units of 1024, as tc prints them)."""
    found = re.search(rf"\b{key} (\d+)(K|M|)b\b", text)
    assert found, text
    return int(found[1]) * {"": 1, "K": 1024, "M": 1024**2}[found[2]]


def tc_class(text: str) -> str:
    """What tc says of queue 0's class."""
    found = re.search(r"^class htb 1:1 .*$", text, re.MULTILINE)
    assert found, text
    return found[0]


@directions
def test_max_burst_passes_at_full_speed(kernel: Kernel, direction: str) -> None:
    burst, rate = 16 * M, 2 * M
    guest = Guest((Flow(direction, "udp", offered=60 * M),), limit=Limit(rate, burst))
    result = kernel.measure(Job((guest,), warmup=0, seconds=3))
    first, *_, last = result.flows[0][0].intervals[:3]
    assert first == pytest.approx(burst + rate, rel=0.1)
    assert last == pytest.approx(rate, rel=0.1)


def test_max_burst_is_what_the_kernel_has(kernel: Kernel) -> None:
    burst = 16 * M
    guest = Guest((Flow("out", "udp", offered=M),), limit=Limit(2 * M, burst))
    text = kernel.measure(Job((guest,), warmup=0, seconds=1)).tc[0]
    police = text[text.index("police") :]
    assert tc_bytes(police, "burst") == pytest.approx(burst / 8, rel=0.002)
    assert " rate 2Mbit " in police
    shaped = tc_class(text)
    assert " rate 2Mbit ceil 2Mbit " in shaped
    assert f" burst {burst // 8}b/" in shaped
    assert f" cburst {burst // 8}b/" in shaped


@pytest.mark.parametrize(("direction", "seconds"), [("out", 0), ("in", 0.03)])
def test_a_change_on_a_live_port_is_no_gap(
    kernel: Kernel, script: str, direction: str, seconds: float
) -> None:
    """NOTE: Open vSwitch replaces the policer's ingress qdisc, and Linux stops a device's
    transmit queues while it does that (qdisc_graft, net/sched/sch_api.c): some 10 ms of what
    the guest receives are lost.
    """
    flow = Flow(direction, "udp", offered=5 * M)
    guest = Guest((flow,), limit=Limit(10 * M), live=Limit(50 * M), script=script)
    job = Job((guest,), warmup=1, seconds=24)
    share = seconds / (job.warmup + job.seconds)
    assert kernel.median(job, lambda measured: measured.lost, 0, share) <= share
    result = kernel.measure(job)
    assert result.rows == (1, 1)
    assert result.changed[1] < job.warmup + job.seconds, "the traffic had ended"


@directions
@pytest.mark.parametrize(("before", "after"), [(10 * M, 30 * M), (30 * M, 10 * M)])
def test_a_change_on_a_live_port_acts_at_once(
    kernel: Kernel, script: str, direction: str, before: int, after: int
) -> None:
    guest = Guest((Flow(direction),), limit=Limit(before), live=Limit(after), script=script)
    result = kernel.measure(Job((guest,), warmup=2, seconds=30))
    intervals = result.flows[0][0].intervals[:32]
    # A second on each side is the change's own.
    begin, end = (int(second) for second in result.changed)
    early, late = intervals[2 : begin - 1], intervals[end + 2 :]
    assert len(late) > 1, f"the hook was at work from {begin} to {end} s"
    assert sum(early) / len(early) == pytest.approx(before, rel=0.1)
    assert sum(late) / len(late) == pytest.approx(after, rel=0.12)
    assert min(intervals) > 0.3 * min(before, after)


def test_limits_that_are_taken_away_are_noticed(kernel: Kernel) -> None:
    """By the status of a node; Open vSwitch itself does not see it."""
    flows = (Flow("out", "udp", offered=M),)
    guests = (Guest(flows, limit=Limit(10 * M)), Guest(flows, limit=Limit(100 * M)))
    result = kernel.measure(Job(guests, warmup=0, seconds=1, spoil=True))
    assert result.limits == ((10 * M, 10 * M), (100 * M, 100 * M))
    assert result.spoiled == ((0, 0), (0, 0))


def test_no_limit_is_none(kernel: Kernel) -> None:
    guest = Guest((Flow("out", "udp", offered=M),), limit=Limit())
    assert kernel.measure(Job((guest,), warmup=0, seconds=1)).limits == ((0, 0),)


@directions
def test_an_unlimited_neighbour_is_not_slowed(kernel: Kernel, direction: str) -> None:
    """Both ask for what the machine can surely carry: at its ceiling, every packet that the
    limited guest sends costs the other one processor time, limit or not.
    """
    wish = 200 * M
    neighbour = Guest((Flow(direction, offered=wish),))
    alone = kernel.goodput(Job((neighbour,), seconds=6), 0, 0.99 * wish, math.inf)
    limited = Guest((Flow(direction, "udp", offered=30 * M),), limit=Limit(10 * M))
    both = Job((neighbour, limited), seconds=6)
    assert kernel.goodput(both, 0, 0.95 * alone, math.inf) >= 0.95 * alone
    assert kernel.goodput(both, 1, 0, 1.02 * 10 * M) <= 1.02 * 10 * M
