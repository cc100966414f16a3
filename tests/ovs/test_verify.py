"""What the cluster-verify hook says of a node, with real bonds, LACP and MTUs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FuturesTimeout
from contextlib import ExitStack
from socket import gethostname

import pytest

from tests.ovs.nodeapply import Node, answer
from tests.ovs.support import environ, said
from tests.ovs.test_hooks import hook
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product
from tests.testbed.tap import Tap

HOOK = "cluster-verify-post"
WELL = (0, "")


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    """br0 with a bond of e0 and e1, cabled to the bond `peer` of br1, the physical switch."""
    for number in (0, 1):
        run("ip", "link", "add", f"e{number}", "type", "veth", "peer", "name", f"p{number}")
        run("ip", "link", "set", f"p{number}", "up")
    try:
        ovs.vsctl(
            "add-bond", "br1", "peer", "p0", "p1", "lacp=active", "bond_mode=balance-tcp",
            "other_config:lacp-time=fast",
        )  # fmt: skip
        found = Node(ovs, product)
        found.run(wish(), code=0)
        yield found
    finally:
        for number in (0, 1):
            run("ip", "link", "del", f"e{number}")


def wish(**changes: str) -> dict[str, dict[str, str]]:
    settings = {"datapath_type": "netdev", "uplinks": "e0+e1", "bond_mode": "balance-tcp",
                "lacp": "active", "lacp_time": "fast"}  # fmt: skip
    return {"br0": {**settings, **changes}}


def verified(ovs: OpenVSwitch, product: Product) -> tuple[int, str]:
    return hook(ovs, product, HOOK, GANETI_HOOKS_PATH="cluster-verify")


def until(ovs: OpenVSwitch, product: Product, code: int, *lines: str) -> None:
    """Wait until the hook says exactly this: LACP and links take their time."""
    wanted = code, "".join(f"ganeti-ovs: {line}\n" for line in lines)
    seen: list[tuple[int, str]] = []

    def right() -> bool:
        seen.append(verified(ovs, product))
        return seen[-1] == wanted

    try:
        wait_until(right, "the hook's word")
    except TimeoutError:
        assert seen[-1] == wanted


def test_nothing_kept_is_nothing_to_say(ovs: OpenVSwitch, product: Product) -> None:
    assert verified(ovs, product) == WELL


def test_lacp_and_links(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    until(ovs, product, 0)
    ovs.vsctl("set", "port", "peer", "lacp=off")
    silent = (
        "br0: nothing passes: bond-br0 uses none of e0, e1; the other side of e0, e1 speaks no LACP"
    )
    until(ovs, product, 1, silent)
    ovs.vsctl("set", "port", "peer", "lacp=active")
    until(ovs, product, 0)
    run("ip", "link", "set", "p1", "down")
    until(ovs, product, 1, "warning: br0: e1 has no link")
    run("ip", "link", "set", "p0", "down")
    until(ovs, product, 1, "br0: no uplink has a link: e0, e1")


def test_drift(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    until(ovs, product, 0)
    ovs.vsctl("set", "port", "bond-br0", "trunks=10", "vlan_mode=trunk")
    ovs.vsctl("set", "bridge", "br0", "fail_mode=secure")
    code, error = verified(ovs, product)
    differs, secure = error.splitlines()
    assert (code, differs) == (
        1, "ganeti-ovs: br0: differs: bond-br0: trunks 10 -> unset; gnt-ovs apply"
    )  # fmt: skip
    assert secure.startswith("ganeti-ovs: br0: fail_mode is secure and it has no controller")
    # Who reads it is on the master.
    assert secure.endswith(": ovs-vsctl del-fail-mode br0")
    assert f"; on {gethostname().partition('.')[0]}" in secure
    ovs.vsctl("del-br", "br0")
    assert "ganeti-ovs: br0: it is not there; gnt-ovs apply\n" in verified(ovs, product)[1]


def test_mtu_and_vlans(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    with ExitStack() as stack:
        stack.enter_context(Tap("tap0"))
        done = product.run(environ(ovs, VLAN=".10"))
        assert (done.returncode, said(done.stderr)) == (0, "")
        until(ovs, product, 0)
        node.run(wish(trunks="20+30"), "--force")
        cut = "warning: br0: VLAN 10 of tap0 (inst1.lab, NIC 0) does not pass the uplink (trunks)"
        until(ovs, product, 1, cut)
        node.run(wish())
        for name in ("e0", "e1"):
            run("ip", "link", "set", name, "mtu", "1400")
        small = "warning: br0: a guest's port has an MTU of 1500, the uplink's is only 1400"
        until(ovs, product, 1, small)


def test_open_vswitch_is_dead(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    ovs.stop_server()
    code, error = verified(ovs, product)
    assert (code, error.count("\n")) == (1, 1)
    assert "Traceback" not in error


def test_a_device_is_gone(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    until(ovs, product, 0)
    run("ip", "link", "del", "e1")
    try:
        wait_until(lambda: "e1" in verified(ovs, product)[1], "the device's end")
        assert verified(ovs, product)[0] == 1
    finally:
        run("ip", "link", "add", "e1", "type", "veth", "peer", "name", "p1")


def test_a_network_only_on_vswitches_of_the_group(
    node: Node, ovs: OpenVSwitch, product: Product
) -> None:
    assert hook(ovs, product, "network-connect-pre") == WELL
    code, error = hook(ovs, product, "network-connect-pre", GANETI_GROUP_NETWORK_LINK="br1")
    assert code == 1
    assert error == (
        f"ganeti-ovs: br1 is no vSwitch of node {gethostname()}, which keeps br0;"
        " gnt-ovs add-switch -g default br1 takes it over as it is\n"
    )


def test_not_in_the_middle_of_a_change(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    """It waits until that is over: what differs meanwhile is no drift."""
    until(ovs, product, 0)
    with node.start(wish(mcast_snooping="yes"), "--confirm", "30") as change:
        answer(change)
        with ThreadPoolExecutor(1) as pool:
            verifying = pool.submit(verified, ovs, product)
            with pytest.raises(FuturesTimeout):
                verifying.result(timeout=2)
            change.communicate("confirm\n", timeout=20)
            assert verifying.result(timeout=20) == WELL
