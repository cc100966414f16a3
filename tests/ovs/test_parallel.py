"""Several calls at once: different taps, and the same tap."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, suppress

import pytest

from tests.ovs.support import environ, port, said
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.tap import Tap

pytestmark = pytest.mark.rest


def start(product: Product, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [product.kvm_vif_bridge], env=environment, stderr=subprocess.PIPE, text=True
    )


def test_fifty_taps(ovs: OpenVSwitch, product: Product) -> None:
    count = 50
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(Tap(f"tap{number}"))
        calls = [
            start(
                product,
                environ(
                    ovs,
                    f"tap{number}",
                    VLAN=f".{number + 1}",
                    LINK=f"br{number % 2}",
                    INTERFACE_UUID=f"bdc23741-5995-403d-8ac7-{number:012x}",
                    TAGS=f"ovs:nic:*:max_bandwidth:{number + 1}M",
                    GANETI_OVS_TIMEOUT="60",
                ),
            )
            for number in range(count)
        ]
        for call in calls:
            _, error = call.communicate(timeout=120)
            assert (call.returncode, said(error)) == (0, "")
        assert len(ovs.rows("Port")) == count + 2
        assert len(ovs.rows("QoS")) == len(ovs.rows("Queue")) == count
        for number in range(count):
            row = port(ovs, f"tap{number}")
            assert row["tag"] == [number + 1]
            assert row["bridge"] == f"br{number % 2}"
            assert row["interface"]["ingress_policing_rate"] == (number + 1) * 1000
            assert row["qos"]["other_config"]["max-rate"] == f"{number + 1}000000"
            assert row["interface"]["ofport"][0] > 0


def test_two_calls_for_one_tap(ovs: OpenVSwitch, product: Product) -> None:
    for _round in range(8):
        with Tap("tap0"):
            calls = {
                vlan: start(
                    product, environ(ovs, VLAN=f".{vlan}", TAGS="ovs:nic:0:max_bandwidth:1M")
                )
                for vlan in (10, 20)
            }
            for call in calls.values():
                _, error = call.communicate(timeout=60)
                assert (call.returncode, said(error)) == (0, "")
            row = port(ovs, "tap0")
            assert row["tag"] in ([10], [20])
            assert row["interface"]["ofport"][0] > 0
            assert len(ovs.rows("Port")) == 3
            assert len(ovs.rows("QoS")) == len(ovs.rows("Queue")) == 1


def test_the_second_call_waits_and_wins(ovs: OpenVSwitch, product: Product) -> None:
    """The first waits for a dead ovs-vswitchd; the second must neither fail nor overtake."""
    ovs.stop_vswitchd()
    with Tap("tap0"):
        first = start(product, environ(ovs, VLAN=".10", GANETI_OVS_TIMEOUT="30"))
        wait_until(lambda: len(ovs.rows("Port")) == 3, "the first call's row")
        second = start(product, environ(ovs, VLAN=".20", GANETI_OVS_TIMEOUT="30"))
        # The database shows no waiting locks; a moment lets the second ask for its own.
        with suppress(subprocess.TimeoutExpired):
            second.wait(1.0)
        assert first.poll() is None
        assert second.poll() is None
        ovs.start_vswitchd()
        assert first.wait(30) == 0
        assert second.wait(30) == 0
        assert port(ovs, "tap0")["tag"] == [20]
    assert first.stderr and second.stderr
    first.stderr.close()
    second.stderr.close()


def test_a_killed_call_leaves_no_lock(ovs: OpenVSwitch, product: Product) -> None:
    ovs.stop_vswitchd()
    with Tap("tap0"):
        killed = start(product, environ(ovs, VLAN=".10", GANETI_OVS_TIMEOUT="30"))
        wait_until(lambda: len(ovs.rows("Port")) == 3, "its row")
        killed.kill()
        killed.communicate(timeout=10)
        ovs.start_vswitchd()
        assert product.run(environ(ovs, VLAN=".20")).returncode == 0
        assert port(ovs, "tap0")["tag"] == [20]
