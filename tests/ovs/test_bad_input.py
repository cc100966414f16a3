"""Wrong input: one plain line that says what and where, exit code 1, nothing changed."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.ovs.support import environ, wanted
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap


def tag(setting: str, value: str) -> dict[str, str]:
    return {"TAGS": f"ovs:nic:0:{setting}:{value}"}


BAD: list[tuple[dict[str, str], str]] = [
    ({"INTERFACE": ""}, "INTERFACE is missing"),
    ({"INTERFACE": "tap99"}, "tap99: there is no such interface"),
    ({"INTERFACE": "lo"}, "lo is no guest's interface"),
    ({"LINK": ""}, "LINK (the vSwitch) is empty"),
    ({"LINK": "nobr"}, "this node has no vSwitch nobr"),
    ({"LINK": "br0 "}, "LINK (the vSwitch) 'br0 ' is no interface name"),
    ({"LINK": "br0;x y"}, "LINK (the vSwitch) 'br0;x y' is no interface name"),
    ({"LINK": "$(reboot)"}, "is no interface name"),
    ({"LINK": "--all"}, "is no interface name"),
    ({"LINK": "a" * 16}, "is longer than 15 characters"),
    *(
        ({"VLAN": vlan}, f"vlan {vlan!a}: ")
        for vlan in ("garbage", "0", "4095", "9999", ".5:5", ":", "::10", "10,20", "-1", "１０")
    ),
    (tag("max_bandwidth", "fast"), "max_bandwidth 'fast' is no bit/s value"),
    (tag("max_bandwidth", "-1"), "max_bandwidth '-1' is no bit/s value"),
    (tag("max_bandwidth", "1e99"), "max_bandwidth '1e99' is no bit/s value"),
    ({"MAX_BANDWIDTH": "1e99"}, "max_bandwidth '1e99' is no bit/s value"),
    (tag("port_type", "trunk"), "port_type trunk contradicts vlan .100"),
    ({"PORT_TYPE": "hybrid"}, "port_type hybrid contradicts vlan .100"),
    (tag("speed", "1"), "instance tag 'ovs:nic:0:speed:1' is unknown"),
    ({"NETWORK_TAGS": "ovs:whatever"}, "network tag 'ovs:whatever' is unknown"),
    ({"GANETI_OVS_TIMEOUT": "soon"}, "GANETI_OVS_TIMEOUT"),
    ({"OVS_RUNDIR": "/" + "x" * 200}, "Open vSwitch's database does not answer"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[m for _, m in BAD])
def test_one_line(
    changes: dict[str, str], message: str, ovs: OpenVSwitch, product: Product
) -> None:
    with Tap("tap0"):
        before = wanted(ovs)
        done = product.run({**environ(ovs), **changes})
        assert done.returncode == 1
        assert message in done.stderr
        assert done.stderr.startswith("ganeti-ovs: inst1.lab, NIC 0 (")
        assert done.stderr.count("\n") == 1
        assert done.stderr.isascii()
        assert done.stdout == ""
        assert wanted(ovs) == before


def test_bytes_that_are_no_utf8(ovs: OpenVSwitch, product: Product) -> None:
    before = wanted(ovs)
    for name in ("LINK", "VLAN", "INSTANCE", "MAC", "INTERFACE"):
        environment = {os.fsencode(k): os.fsencode(v) for k, v in environ(ovs).items()}
        environment[name.encode()] = b"\xff\xfe\x80"
        with Tap("tap0"):
            done = subprocess.run(
                [product.kvm_vif_bridge], env=environment, capture_output=True, check=False
            )
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        assert name.encode() in done.stderr or name == "VLAN"
        assert b"Traceback" not in done.stderr
    assert wanted(ovs) == before


def test_bytes_in_a_variable_that_is_not_ours(ovs: OpenVSwitch, product: Product) -> None:
    environment = {os.fsencode(k): os.fsencode(v) for k, v in environ(ovs).items()}
    environment[b"OTHER"] = b"\xff"
    with Tap("tap0"):
        subprocess.run([product.kvm_vif_bridge], env=environment, check=True)


def test_a_fake_bridge_is_named(ovs: OpenVSwitch, product: Product) -> None:
    ovs.vsctl("add-br", "br0-7", "br0", "7")
    with Tap("tap0"):
        done = product.run(environ(ovs, LINK="br0-7"))
    assert done.returncode == 1
    assert "br0-7 is a fake bridge (VLAN 7) of another vSwitch" in done.stderr


def test_an_uplink_is_never_taken(ovs: OpenVSwitch, product: Product) -> None:
    run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1")
    try:
        done = product.run(environ(ovs, "up0"))
        assert done.returncode == 1
        assert "up0 is no guest's interface (kind 'veth')" in done.stderr
        assert ovs.vsctl("list-ports", "br0") == ""
    finally:
        run("ip", "link", "del", "up0")
