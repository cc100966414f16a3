"""Every call that a real cluster made, replayed through Ganeti's own kvm-ifup."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti_ovs.model import plug
from ganeti_ovs.model.plug import parse_plug
from tests.captured import CAPTURED
from tests.ovs.support import UNPOLICED, port, wanted
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import KVM_IFUP, Product
from tests.testbed.tap import Tap

# By hand from Ganeti's man page and vswitch.xml, not by the code under test.
COLUMNS = {
    ".100": ("access", [100], []),
    ".200": ("access", [200], []),
    ".201": ("access", [201], []),
    ".300": ("access", [300], []),
    ":10:20": ("trunk", [], [10, 20]),
    ".2:10:20": ("native-untagged", [2], [10, 20]),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_rows(name: str, ovs: OpenVSwitch, product: Product) -> None:
    env = {**CAPTURED[name], **ovs.environ, **product.ganeti_environ()}
    before = wanted(ovs)
    tap = env["INTERFACE"]
    with Tap(tap):
        done = product.run(env, KVM_IFUP)
        if env["LINK"] == "nobr":
            assert done.returncode == 1
            assert done.stderr == (
                "ganeti-ovs: x6.lab, NIC 0 (tap0 on vSwitch nobr): this node has no vSwitch nobr;"
                " create it (ovs-vsctl add-br nobr) or correct the NIC's link\n"
            )
            assert wanted(ovs) == before
            return
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        row = port(ovs, tap)
        assert row["bridge"] == env["LINK"]
        assert (row["vlan_mode"], row["tag"], sorted(row["trunks"])) == (
            [COLUMNS[env["VLAN"]][0]],
            *COLUMNS[env["VLAN"]][1:],
        )
        marks = {
            "ganeti-ovs": "1",
            "ganeti-instance": "inst1.lab",
            "ganeti-nic": env["INTERFACE_INDEX"],
        }
        assert row["external_ids"] == marks
        assert row["qos"] == []
        interface = row["interface"]
        made = parse_plug(interface["external_ids"].pop(plug.KEY))
        assert made is not None
        assert made.ifindex == int(Path(f"/sys/class/net/{tap}/ifindex").read_text())
        assert interface["external_ids"] == {
            **marks,
            "iface-id": env["INTERFACE_UUID"],
            "attached-mac": env["MAC"],
            "iface-status": "active",
        }
        assert interface["type"] == ""
        assert interface["ingress_policing_rate"] == interface["ingress_policing_burst"] == 0
        assert interface["ofport"][0] > 0
        assert interface["error"] == []
        assert ovs.rows("QoS") == ovs.rows("Queue") == []
        assert len(ovs.rows("Port")) == 3


def test_again_gives_the_same_rows(ovs: OpenVSwitch, product: Product) -> None:
    env = {**CAPTURED["03-node1-inst1.lab-tap2"], **ovs.environ, **product.ganeti_environ()}
    env["TAGS"] += " ovs:nic:2:max_bandwidth:10M"
    with Tap("tap2"):
        assert product.run(env, KVM_IFUP).returncode == 0
        first = wanted(ovs)
        done = product.run(env, KVM_IFUP)
        assert (done.returncode, done.stderr) == (0, UNPOLICED.format(2, 2))
        assert wanted(ovs) == first
    assert len(ovs.rows("QoS")) == len(ovs.rows("Queue")) == 1


def test_tap_is_up_afterwards(ovs: OpenVSwitch, product: Product) -> None:
    from tests.testbed.namespace import run

    env = {**CAPTURED["01-node1-inst1.lab-tap0"], **ovs.environ}
    with Tap("tap0"):
        assert "state DOWN" in run("ip", "link", "show", "tap0")
        assert product.run(env).returncode == 0
        assert ",UP" in run("ip", "link", "show", "tap0")


def test_limits_are_written_for_both_directions(ovs: OpenVSwitch, product: Product) -> None:
    env = {**CAPTURED["01-node1-inst1.lab-tap0"], **ovs.environ}
    env["TAGS"] = "ovs:nic:front:max_bandwidth:10M ovs:nic:*:max_burst:2048k"
    with Tap("tap0"):
        done = product.run(env)
        assert (done.returncode, done.stderr) == (0, UNPOLICED.format(0, 0))
        row = port(ovs, "tap0")
        assert row["interface"]["ingress_policing_rate"] == 10_000
        assert row["interface"]["ingress_policing_burst"] == 2000
        assert row["qos"]["type"] == "linux-htb"
        assert row["qos"]["other_config"]["max-rate"] == "10000000"
        assert row["queue"]["other_config"]["max-rate"] == "10000000"
        assert row["queue"]["other_config"]["burst"] == "2048000"
        for part in (row, row["interface"], row["qos"], row["queue"]):
            assert part["external_ids"]["ganeti-ovs"] == "1"
        # Gone with the port, also when the next guest on this tap has no limit.
        assert product.run({**env, "TAGS": ""}).returncode == 0
    row = port(ovs, "tap0")
    assert row["interface"]["ingress_policing_rate"] == 0
    assert ovs.rows("QoS") == ovs.rows("Queue") == []
