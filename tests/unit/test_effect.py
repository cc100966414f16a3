"""Whether a NIC's settings are in effect, by what the kernel has of its tap."""

from __future__ import annotations

import pytest

from ganeti_ovs.cluster.runtime import APPLY_LIMIT
from ganeti_ovs.master.nictelling import LIMIT
from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.reported import Device, Limits
from ganeti_ovs.model.vlan import parse_vlan
from ganeti_ovs.node.effect import kernel_words
from ganeti_ovs.node.reconcile import PATIENCE
from ganeti_ovs.ovsdb.client import ANSWER_LIMIT

NIC = Nic(
    instance="web.lab", index=0, uuid="u", mac="aa:00:00:00:00:01", tap="tap0", switch="br0",
    vlan=parse_vlan(".5"), port_type="access", max_bandwidth=10_000_000,
)  # fmt: skip
TAP = Device(7, up=True, carrier=True, mtu=1500)
GOOD = Limits(10_000_000, 10_000_000)
LETS = "the kernel lets it"
WITHOUT = "without limit, not 10Mbit/s; systemctl restart openvswitch-switch"


@pytest.mark.parametrize(
    ("device", "has", "words"),
    [
        (TAP, GOOD, ""),
        (TAP, Limits(10_000_000), f"{LETS} receive {WITHOUT}"),
        (TAP, Limits(0, 10_000_000), f"{LETS} send {WITHOUT}"),
        (Device(7, up=False, carrier=False, mtu=1500), GOOD,
         "its tap is set down: the guest has no network; ip link set tap0 up"),
        (None, None, "its tap has gone again"),
    ],
)  # fmt: skip
def test_what_the_kernel_has(device: Device | None, has: Limits | None, words: str) -> None:
    assert kernel_words(NIC, device, has, polices=True) == words


def test_the_userspace_datapath_polices_nothing() -> None:
    assert kernel_words(NIC, TAP, Limits(0, 10_000_000), polices=False) == ""


def test_the_master_waits_as_long_as_a_node_may_take() -> None:
    """Two times for the node's lock, once for those of taps, and for ovs-vswitchd each time."""
    lock = 2 * APPLY_LIMIT + ANSWER_LIMIT
    assert 2 * (lock + PATIENCE) + lock + 3 * APPLY_LIMIT < LIMIT
