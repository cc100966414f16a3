"""The whole way: a guest's real tap, attached by the script that Ganeti runs."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel.job import Flow, Guest, Job, Limit

M = 10**6


@pytest.mark.parametrize("direction", ["out", "in"])
def test_max_bandwidth_of_a_tap(kernel: Kernel, script: str, direction: str) -> None:
    # No more: a Python program carries the guest's packets.
    rate = 10 * M
    guest = Guest((Flow(direction),), limit=Limit(rate), script=script)
    goodput = kernel.goodput(Job((guest,)), 0, 0.93 * rate, 1.02 * rate)
    assert 0.93 <= goodput / rate <= 1.02


def test_a_tap_gets_what_a_veth_gets(kernel: Kernel, script: str) -> None:
    limit = Limit(10 * M, 4 * M)
    flows = (Flow("out", "udp", offered=M),)
    guests = (Guest(flows, limit=limit, script=script), Guest(flows, limit=limit))
    result = kernel.measure(Job(guests, warmup=0, seconds=2))
    assert result.rows == (2, 2)
    tap, veth = (_settings(text) for text in result.tc)
    assert len(tap) == 3, result.tc[0]
    assert tap == veth


def test_a_limit_removed_from_a_tap_leaves_nothing(kernel: Kernel, script: str) -> None:
    guest = Guest((Flow("out"),), limit=Limit(10 * M), live=Limit(), script=script)
    result = kernel.measure(Job((guest,), warmup=0, seconds=24))
    assert result.rows == (0, 0)
    assert not {"htb", "ingress", "police"} & set(result.tc[0].split())
    assert result.flows[0][0].intervals[23] > 20 * M, f"still limited, {result.changed}"


def _settings(text: str) -> list[str]:
    """What tc says of classes and the policer, without what was counted and their numbers."""
    return [
        line.partition(" rate ")[2]
        for line in text.splitlines()
        if " rate " in line and "backlog" not in line
    ]
