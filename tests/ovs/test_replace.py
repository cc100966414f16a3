"""What happens to rows that the tap has already."""

from __future__ import annotations

import pytest

from tests.ovs.support import environ, port, said, wanted
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

LIMITED = {"TAGS": "ovs:nic:0:max_bandwidth:10M"}


def test_our_own_stale_port_goes_with_its_qos(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs, LINK="br1", VLAN=":10:20", **LIMITED)).returncode == 0
    other = {"INSTANCE": "other.lab", "INTERFACE_UUID": "00000000-0000-4000-8000-000000000001"}
    with Tap("tap0"):
        done = product.run(environ(ovs, VLAN="", **other))
    assert (done.returncode, done.stderr) == (0, "")
    row = port(ovs, "tap0")
    assert (row["bridge"], row["vlan_mode"], row["tag"], row["trunks"]) == (
        "br0",
        ["access"],
        [],
        [],
    )
    assert row["external_ids"]["ganeti-instance"] == "other.lab"
    assert row["interface"]["external_ids"]["iface-id"] == other["INTERFACE_UUID"]
    assert ovs.rows("QoS") == ovs.rows("Queue") == []


def test_somebody_elses_stale_port_goes_with_a_warning(ovs: OpenVSwitch, product: Product) -> None:
    """As stock Ganeti leaves it. A QoS row without our mark may be shared, so it stays."""
    ovs.vsctl(
        "--may-exist", "add-port", "br1", "tap0", "tag=100", "--", "set", "port", "tap0",
        "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb", "queues:0=@u", "--",
        "--id=@u", "create", "queue", "other_config:max-rate=5000000",
    )  # fmt: skip
    with Tap("tap0"):
        done = product.run(environ(ovs, VLAN=".10", **LIMITED))
    assert done.returncode == 0
    assert said(done.stderr) == (
        "ganeti-ovs: inst1.lab, NIC 0 (tap0 on vSwitch br0):"
        " warning: replaced a stale port tap0 that was not ours\n"
    )
    row = port(ovs, "tap0")
    assert (row["bridge"], row["tag"]) == ("br0", [10])
    (theirs,) = (q for q in ovs.rows("QoS") if q["_uuid"] != row["qos"]["_uuid"])
    assert theirs["external_ids"] == {}
    (queue,) = (q for q in ovs.rows("Queue") if q["_uuid"] != row["queue"]["_uuid"])
    assert theirs["queues"] == {0: queue["_uuid"]}
    assert queue["other_config"] == {"max-rate": "5000000"}


def test_qos_of_others_at_our_own_stale_port_stays(ovs: OpenVSwitch, product: Product) -> None:
    """An administrator's QoS in place of ours, and a queue of his in ours."""
    with Tap("tap0"), Tap("tap1"):
        assert product.run(environ(ovs, **LIMITED)).returncode == 0
        assert product.run(environ(ovs, "tap1", **LIMITED)).returncode == 0
    old = port(ovs, "tap1")["qos"]["_uuid"]
    ovs.vsctl("set", "qos", str(old), "queues:1=@u", "--",
              "--id=@u", "create", "queue", "other_config:max-rate=1000000")  # fmt: skip
    ovs.vsctl("set", "port", "tap0", "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb",
              "queues:0=@u", "--", "--id=@u", "create", "queue",
              "other_config:max-rate=5000000")  # fmt: skip
    with Tap("tap0"), Tap("tap1"):
        for tap in ("tap0", "tap1"):
            done = product.run(environ(ovs, tap, VLAN=".20"))
            assert (done.returncode, done.stderr) == (0, "")
            assert port(ovs, tap)["qos"] == []
    assert old not in {row["_uuid"] for row in ovs.rows("QoS")}
    theirs = [row["queues"] for row in ovs.rows("QoS") if not row["external_ids"]]
    queues = {row["other_config"]["max-rate"]: row["_uuid"] for row in ovs.rows("Queue")
              if not row["external_ids"]}  # fmt: skip
    assert queues.keys() == {"1000000", "5000000"}
    assert theirs == [{0: queues["5000000"]}]


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (["add-bond", "br0", "bond0", "tap0", "tap1"], "tap0 belongs to port 'bond0'"),
        (
            ["add-port", "br0", "tap0", "--", "set", "interface", "tap0", "type=internal"],
            "an interface tap0 of type 'internal'",
        ),
    ],
)
def test_not_a_guests_port(
    commands: list[str], message: str, ovs: OpenVSwitch, product: Product
) -> None:
    with Tap("tap1"):
        if commands[0] == "add-bond":
            with Tap("tap0"):
                ovs.vsctl(*commands)
                check_refused(ovs, product, message)
        else:
            # An internal port is a tap device of vswitchd's own.
            ovs.vsctl(*commands)
            try:
                check_refused(ovs, product, message)
            finally:
                # What ovs-vswitchd has made outlives it.
                ovs.vsctl("del-port", "tap0")


def check_refused(ovs: OpenVSwitch, product: Product, message: str) -> None:
    before = wanted(ovs)
    done = product.run(environ(ovs))
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert wanted(ovs) == before


def test_failed_replacement_never_brings_the_old_port_back(
    ovs: OpenVSwitch, product: Product
) -> None:
    """The old rows are another guest's network: no port at all is the safe state."""
    with Tap("tap0"):
        assert product.run(environ(ovs, VLAN=".10", **LIMITED)).returncode == 0
    ovs.stop_vswitchd()
    with Tap("tap0"):
        done = product.run(environ(ovs, VLAN=".20", GANETI_OVS_TIMEOUT="1"))
    assert done.returncode == 1
    assert "has not applied the change within 1 s" in done.stderr
    assert {row["name"] for row in ovs.rows("Port")} == {"br0", "br1"}
    assert ovs.rows("QoS") == ovs.rows("Queue") == []
