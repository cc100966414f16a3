"""What the node lives on: a device that carries it becomes no uplink unless forced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti_ovs.linux.addresses import carries
from tests.ovs.nodeapply import Node
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import Product

WISH = {"br0": {"uplinks": "e0", "datapath_type": "netdev"}}


@pytest.fixture
def device(private: None) -> Iterator[str]:
    """A cable of the node, with IPv6."""
    run("ip", "link", "add", "e0", "type", "veth", "peer", "name", "p0")
    try:
        Path("/proc/sys/net/ipv6/conf/e0/disable_ipv6").write_text("0")
        run("ip", "link", "set", "p0", "up")
        run("ip", "link", "set", "e0", "up")
        yield "e0"
    finally:
        run("ip", "link", "del", "e0")


@pytest.mark.parametrize("address", ["10.0.0.1/24", "fd00::1/64"])
def test_an_address_of_the_node(
    address: str, device: str, ovs: OpenVSwitch, product: Product
) -> None:
    run("ip", "address", "add", address, "dev", device, "nodad")
    _, errors = Node(ovs, product).run(WISH, code=1)
    plain = address.partition("/")[0]
    assert any(f"e0 carries the node's address {plain}" in line for line in errors), errors


def test_link_local_addresses_do_not_count(device: str, ovs: OpenVSwitch, product: Product) -> None:
    """Every device with IPv6 has one, and a device without DHCP often the other."""
    run("ip", "address", "add", "169.254.7.7/16", "dev", device, "scope", "link")
    wait_until(lambda: "inet6 fe80:" in run("ip", "address", "show", device), "IPv6's own address")
    out, _ = Node(ovs, product).run(WISH)
    assert out == ["br0: adopted", "br0: uplink e0 as port e0"]
    assert "e0" in ovs.vsctl("list-ports", "br0")


def test_all_that_depends_on_a_device(private: None) -> None:
    """Peers' addresses, several next hops, other tables, the way to the master."""
    devices = ("ea", "eb", "ec", "ed")
    for one, other in (devices[:2], devices[2:]):
        run("ip", "link", "add", one, "type", "veth", "peer", "name", other)
    try:
        for name in devices:
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("0")
            run("ip", "link", "set", name, "up")
        for words in (
            "address add 10.1.0.1/24 dev ea",
            "address add 10.2.0.1/24 dev ec",
            "address add 10.3.0.1 peer 10.3.0.2 dev ed",
            "-6 address add fd00::1/64 dev eb nodad",
            "route add default nexthop via 10.1.0.2 dev ea nexthop via 10.2.0.2 dev ec",
            "-6 route add default via fd00::2 dev eb table 77",
            "route add 10.9.0.0/24 via 10.2.0.9",
        ):
            run("ip", *words.split())
        # Twice: nothing stays behind in the library.
        for _ in range(2):
            found = carries("10.9.0.7")
            assert {name: found.get(name) for name in devices} == {
                "ea": "the node's address 10.1.0.1 and the default route",
                "eb": "the node's address fd00::1 and the default route",
                "ec": "the node's address 10.2.0.1 and the default route and the path to 10.9.0.7",
                "ed": "the node's address 10.3.0.1",
            }
        assert carries("fd00::9")["eb"].endswith("and the path to fd00::9")
        assert carries("no address").keys() == found.keys()
    finally:
        run("ip", "link", "del", "ea")
        run("ip", "link", "del", "ec")
