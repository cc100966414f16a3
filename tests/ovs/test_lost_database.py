"""After the database was lost: what Open vSwitch has left in the kernel, and what heals it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ovs.nodeapply import Node
from tests.ovs.support import environ
from tests.testbed.guests import Guests
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

WISH = {"br0": {"datapath_type": "netdev"}}
ADDRESS = "198.51.100.1/24"


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    found = Node(ovs, product)
    found.run(WISH)
    yield found
    run("ip", "address", "flush", "dev", "br0")


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(Path(ovs.environ["LOCALSTATEDIR"]))
    yield fixture
    fixture.close()


def devices() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def test_apply_makes_the_vswitch_on_its_own_device(
    node: Node, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    nic = environ(ovs, VLAN=".10", TAGS="")
    guests.start(nic["INSTANCE"], nic)
    assert product.run(nic).returncode == 0
    ovs.lose_database()
    assert "br0" in devices(), "it is what ovs-vswitchd has left behind"
    assert node.json(WISH, "--dry-run")["changes"] == ["br0: made"]
    assert node.run(WISH) == (["br0: made"], [])
    done = product.run(ovs.environ, product.gnt_ovs, "reconcile")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"attached tap0 ({nic['INSTANCE']}, NIC 0) to br0\n"
    (row,) = (row for row in ovs.rows("Interface") if row["name"] == "br0")
    assert row["ofport"][0] > 0
    assert row["error"] == []


def test_a_device_that_the_node_lives_on(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    run("ip", "address", "add", ADDRESS, "dev", "br0")
    ovs.lose_database()
    error = node.json(WISH, "--dry-run", code=1)["error"]
    assert error == (
        "br0 is left of a vSwitch that is lost, and carries the node's address 198.51.100.1,"
        " which may go when it is made anew"
    )
    assert product.run(ovs.environ, product.gnt_ovs, "reconcile").stderr == f"gnt-ovs: {error}\n"
    assert node.json(WISH, "--force")["changes"] == ["br0: made"]


def test_somebody_elses_device(node: Node, ovs: OpenVSwitch) -> None:
    """Of the very name, but not what Open vSwitch makes; and what was never a vSwitch of ours."""
    ovs.lose_database()
    run("ip", "tuntap", "add", "mode", "tap", "name", "br7")
    run("ip", "link", "delete", "br0")
    run("ip", "link", "add", "br0", "type", "bridge")
    wish = {**WISH, "br7": WISH["br0"]}
    try:
        assert node.json(wish, "--dry-run", code=1)["error"] == "; ".join(
            f"{name} is a device of this node; take another name" for name in ("br0", "br7")
        )
    finally:
        run("ip", "link", "delete", "br0")
        run("ip", "link", "delete", "br7")
        node.run(WISH)
