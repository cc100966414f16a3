"""A guest that a Ganeti with NIC parameters of its own has started, under one without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ovs.node import Node, good, nic, ports
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    fixture = Node(ovs, product)
    try:
        yield fixture
    finally:
        fixture.close()


def test_what_is_not_said_stays(node: Node) -> None:
    one = nic(1, "tap0", 10)
    node.start({**one, "MAX_BANDWIDTH": "10M"})
    assert shown(node) == ([10], True)
    changed = {**one, "VLAN": ".20"}
    node.guests.configuration(changed)
    good(node.hook("instance-modify", changed))
    assert shown(node) == ([20], True)
    # A Ganeti that knows the parameter says that it is empty.
    good(node.hook("instance-modify", {**changed, "MAX_BANDWIDTH": ""}))
    assert shown(node) == ([20], False)


def shown(node: Node) -> tuple[list[int], bool]:
    port = ports(node.ovs)["tap0"]
    return port["tag"], port["limited"]
