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
    assert lines == [
        "br0 netdev datapath",
        "├─ bond0 active-backup of b1 b2 trunk all VLANs unlimited down",
        "├─ foreign (not a guest of Ganeti's) access untagged 7 unlimited down",
        "├─ tap0 inst1.lab NIC 0 access untagged 10 sends unlimited (userspace datapath),"
        " receives 1.5Gbit/s up",
        "└─ tap2 inst1.lab NIC 3 trunk all VLANs unlimited up",
        "br1 netdev datapath",
        "├─ gone (not a guest of Ganeti's) trunk all VLANs unlimited"
        " could not open network device gone (No such device)",
        "└─ tap10 inst1.lab NIC 0 hybrid untagged 2, tagged 10 20 unlimited up",
    ]


def test_json(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        changes = {"VLAN": ":10:20", "TAGS": "ovs:nic:*:max_bandwidth:10M"}
        assert product.run(environ(ovs, **changes)).returncode == 0
        done = gnt_ovs(ovs, product, "show", "--json", "br0")
    assert json.loads(done.stdout) == [
        {
            "name": "br0",
            "datapath_type": "netdev",
            "fail_mode": "standalone",
            "ports": [
                {
                    "name": "tap0",
                    "ours": True,
                    "instance": "inst1.lab",
                    "nic": "0",
                    "port_type": "trunk",
                    "vlan": ":10:20",
                    "send_limit": 10_000_000,
                    "receive_limit": 10_000_000,
                    "policed": False,
                    "interfaces": ["tap0"],
                    "bond_mode": "",
                    "state": "up",
                }
            ],
        }
    ]


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
    (br0, _) = json.loads(done.stdout)
    assert [port["vlan"] for port in br0["ports"]] == [f".{n + 1}" for n in range(2000)]
    assert br0["ports"][0]["state"] == "not applied by ovs-vswitchd"
