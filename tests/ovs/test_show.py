"""gnt-ovs show: the picture, and the same as JSON."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.ovs.support import environ
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap


def gnt_ovs(
    ovs: OpenVSwitch, product: Product, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return product.run(ovs.environ, product.gnt_ovs, *arguments)


def test_picture(ovs: OpenVSwitch, product: Product) -> None:
    """No guest holds these taps, and that is what it says of them."""
    with Tap("tap0"), Tap("tap2"), Tap("tap10"), Tap("foreign"), Tap("b1"), Tap("b2"):
        calls = {
            "tap0": {"VLAN": ".10", "TAGS": "ovs:nic:*:max_bandwidth:1.5G"},
            "tap2": {"VLAN": "", "TAGS": "ovs:nic:*:port_type:trunk", "INTERFACE_INDEX": "3"},
            "tap10": {"VLAN": ".2:10:20", "LINK": "br1"},
        }
        for tap, changes in calls.items():
            assert product.run(environ(ovs, tap, **changes)).returncode == 0
        ovs.vsctl(
            "add-port", "br0", "foreign", "tag=7", "--", "add-bond", "br0", "bond0", "b1", "b2"
        )
        ovs.vsctl("add-port", "br1", "gone")
        done = gnt_ovs(ovs, product, "show")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[:8] == [
        "br0 netdev datapath, not kept by Ganeti",
        "├─ tap0 inst1.lab NIC 0 access .10 -/1.5G no-guest",
        "├─ tap2 inst1.lab NIC 3 trunk all VLANs no-guest",
        "├─ bond0 not ours",
        "└─ foreign not ours",
        "br1 netdev datapath, not kept by Ganeti",
        "├─ tap10 inst1.lab NIC 0 hybrid .2:10:20 no-guest",
        "└─ gone not ours",
    ]
    assert all(": warning: " in line or ": error: " in line for line in lines[8:])


def test_json(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        changes = {"VLAN": ":10:20", "TAGS": "ovs:nic:*:max_bandwidth:10M"}
        assert product.run(environ(ovs, **changes)).returncode == 0
        done = gnt_ovs(ovs, product, "show", "--json", "br0")
    status = json.loads(done.stdout)
    assert (status["format"], status["daemon"]["alive"]) == (1, True)
    assert [one["name"] for one in status["switches"]] == ["br0"]
    (nic,) = status["nics"]
    assert (nic["tap"], nic["instance"], nic["state"]) == ("tap0", "inst1.lab", "no-guest")
    port = nic["actual"]
    assert (port["switch"], port["port_type"], port["vlan"]) == ("br0", "trunk", ":10:20")
    assert (port["sends"], port["receives"]) == (10_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "nobr"], 1, "gnt-ovs: this node has no vSwitch nobr\n"),
        (["show", "--db", "unix:/none"], 1, "gnt-ovs: Open vSwitch's database does not answer"),
        (["show", "--db", "tcp:1.2.3.4:6640"], 2, "only unix:PATH is possible"),
        (["shwo"], 2, "No such command 'shwo'"),
    ],
)
def test_errors(
    arguments: list[str], code: int, message: str, ovs: OpenVSwitch, product: Product
) -> None:
    done = gnt_ovs(ovs, product, *arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""


def test_help_and_version(ovs: OpenVSwitch, product: Product) -> None:
    assert "Show this node's vSwitches" in gnt_ovs(ovs, product, "show", "--help").stdout
    assert gnt_ovs(ovs, product, "--version").stdout.startswith("gnt-ovs, version ")


def test_many_ports_in_no_time(ovs: OpenVSwitch, product: Product) -> None:
    """A long answer comes in many chunks; it must not be parsed anew for each."""
    ovs.stop_vswitchd()
    for first in range(0, 2000, 250):
        commands: list[str] = []
        for number in range(first, first + 250):
            commands += ["--", "add-port", "br0", f"x{number}", f"tag={number + 1}"]
        ovs.vsctl("--no-wait", *commands)
    done = product.run(ovs.environ, product.gnt_ovs, "show", "--json", limit=20)
    status = json.loads(done.stdout)
    assert {*status["switches"][0]["others"]} >= {f"x{number}" for number in range(2000)}
    assert status["daemon"]["alive"] is False
