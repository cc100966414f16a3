"""network/openvswitch/up and down, as Ganeti 3.2 calls them (kvm-nic-setup)."""

from __future__ import annotations

import pytest

from tests.ovs.support import environ, port, said, wanted
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

LIMITED = {"TAGS": "ovs:nic:0:max_bandwidth:10M"}


def test_up_and_down(ovs: OpenVSwitch, product: Product) -> None:
    before = wanted(ovs)
    with Tap("tap0"):
        up = product.run(environ(ovs, ACTION="up", **LIMITED), product.up)
        assert (up.returncode, said(up.stderr)) == (0, "")
        assert port(ovs, "tap0")["tag"] == [100]
        for _again in range(2):  # Ganeti repeats it
            down = product.run(environ(ovs, ACTION="down", **LIMITED), product.down)
            assert (down.returncode, down.stderr) == (0, "")
            assert wanted(ovs) == before
    done = product.run(environ(ovs, ACTION="down"), product.down)  # the tap has gone, too
    assert (done.returncode, done.stderr) == (0, "")


def test_the_scripts_name_says_it_too(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs), product.up).returncode == 0
        assert product.run(environ(ovs), product.down).returncode == 0
    assert ovs.vsctl("list-ports", "br0") == ""


def test_unknown_action(ovs: OpenVSwitch, product: Product) -> None:
    done = product.run(environ(ovs, ACTION="sideways"), product.up)
    assert done.returncode == 1
    assert done.stderr == "ganeti-ovs: ACTION is 'sideways', neither up nor down\n"


def test_the_record_goes_with_the_tap(ovs: OpenVSwitch, product: Product) -> None:
    """While the tap is there, it says that the NIC was taken down."""
    record = ovs.dir / "var/run/ganeti-ovs/nic/tap0"
    with Tap("tap0"):
        assert product.run(environ(ovs), product.up).returncode == 0
        assert "INSTANCE=inst1.lab\n" in record.read_text()
        assert product.run(environ(ovs), product.down).returncode == 0
        assert "DOWN=yes\n" in record.read_text()
        assert product.run(environ(ovs), product.up).returncode == 0
        assert "DOWN" not in record.read_text()
    assert product.run(environ(ovs), product.down).returncode == 0
    assert not record.exists()


def test_words_of_records_are_not_taken_from_the_environment(
    ovs: OpenVSwitch, product: Product
) -> None:
    record = ovs.dir / "var/run/ganeti-ovs/nic/tap0"
    with Tap("tap0"):
        odd = environ(ovs, DOWN="yes", TAGS_INDEX="7")
        assert product.run(odd, product.up).returncode == 0
        assert "DOWN" not in record.read_text()
        assert "TAGS_INDEX" not in record.read_text()


def test_the_record_of_another_nic_stays(ovs: OpenVSwitch, product: Product) -> None:
    """Ganeti repeats `down`, and the tap's name may be a new guest's by then."""
    record = ovs.dir / "var/run/ganeti-ovs/nic/tap0"
    other = {"INSTANCE": "other.lab", "INTERFACE_UUID": "00000000-0000-4000-8000-000000000001"}
    with Tap("tap0"):
        assert product.run(environ(ovs, **other), product.up).returncode == 0
        right = wanted(ovs)
        assert product.run(environ(ovs), product.down).returncode == 0
        assert wanted(ovs) == right
        assert "INSTANCE=other.lab\n" in record.read_text()


@pytest.mark.parametrize("change", ["external_ids:iface-id=another", "external_ids:ganeti-ovs=0"])
def test_down_leaves_what_is_not_this_nics(change: str, ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs), product.up).returncode == 0
        ovs.vsctl("set", "interface", "tap0", change)
        before = wanted(ovs)
        assert product.run(environ(ovs), product.down).returncode == 0
        assert wanted(ovs) == before


def test_down_needs_neither_switch_nor_valid_settings(ovs: OpenVSwitch, product: Product) -> None:
    """What came up must go down, whatever has been changed in Ganeti meanwhile."""
    with Tap("tap0"):
        assert product.run(environ(ovs), product.up).returncode == 0
        assert product.run(environ(ovs, LINK="", VLAN="x", MAC=""), product.down).returncode == 0
    assert ovs.vsctl("list-ports", "br0") == ""


def test_down_with_a_dead_vswitchd(ovs: OpenVSwitch, product: Product) -> None:
    with Tap("tap0"):
        assert product.run(environ(ovs), product.up).returncode == 0
        ovs.stop_vswitchd()
        done = product.run(environ(ovs, GANETI_OVS_TIMEOUT="1"), product.down)
    assert done.returncode == 1
    assert "within 1 s; is it running?" in done.stderr
    assert {row["name"] for row in ovs.rows("Port")} == {"br0", "br1"}
