"""What others have hung on a guest's port survives the port, as long as it is the same NIC's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ovs.node import Node, good, nic
from tests.ovs.support import port, said
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

NIC = nic(1, "tap0", 10)


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product) -> Iterator[Node]:
    found = Node(ovs, product)
    found.start(NIC)
    found.start(nic(2, "tap1", 20))
    hang(ovs)
    yield found
    found.close()
    ovs.vsctl("clear", "bridge", "br0", "mirrors")


def hang(ovs: OpenVSwitch) -> None:
    """All that an administrator may hang on tap0, and a mirror that has to do with tap1 alone."""
    ovs.vsctl(
        "--id=@p", "get", "port", "tap0", "--", "--id=@q", "get", "port", "tap1", "--",
        "--id=@out", "create", "mirror", "name=out", "select_src_port=@p",
        "select_dst_port=@p,@q", "output_vlan=77", "--",
        "--id=@in", "create", "mirror", "name=in", "select_vlan=10", "output_port=@p", "--",
        "--id=@other", "create", "mirror", "name=other", "select_src_port=@q", "output_vlan=78",
        "--", "set", "bridge", "br0", "mirrors=@out,@in,@other", "--",
        "set", "port", "tap0", "protected=true", "other_config:x=1", "external_ids:rack=7", "--",
        "set", "interface", "tap0", "lldp:enable=true", "external_ids:vm-id=theirs",
    )  # fmt: skip


def hung(ovs: OpenVSwitch) -> dict[str, Any]:
    """What hangs on ports, by the ports' names."""
    names = {row["_uuid"]: row["name"] for row in ovs.rows("Port")}
    found: dict[str, Any] = {}
    for mirror in ovs.rows("Mirror"):
        for column in ("select_src_port", "select_dst_port", "output_port"):
            value = mirror[column] if isinstance(mirror[column], list) else [mirror[column]]
            found[f"{mirror['name']} {column}"] = sorted(names[one] for one in value)
    return found


def columns(ovs: OpenVSwitch, tap: str) -> dict[str, Any]:
    row = port(ovs, tap)
    return {
        "protected": row["protected"],
        "x": row["other_config"].get("x"),
        "rack": row["external_ids"].get("rack"),
        "lldp": row["interface"]["lldp"],
        "vm-id": row["interface"]["external_ids"].get("vm-id"),
        "tag": row["tag"],
        "instance": row["interface"]["external_ids"]["ganeti-instance"],
    }


def test_restarted_without_a_stop(node: Node, ovs: OpenVSwitch) -> None:
    """As by gnt-instance reboot: the tap is made anew, and no hook comes before."""
    before, uuid = (hung(ovs), columns(ovs, "tap0")), port(ovs, "tap0")["_uuid"]
    assert before[0]["in output_port"] == ["tap0"]
    node.stop(NIC["INSTANCE"], crash=True)
    node.start(NIC)
    assert (hung(ovs), columns(ovs, "tap0")) == before
    assert port(ovs, "tap0")["_uuid"] != uuid


def test_on_another_tap(node: Node, ovs: OpenVSwitch) -> None:
    before, was = hung(ovs), columns(ovs, "tap0")
    node.stop(NIC["INSTANCE"], crash=True)
    node.start({**NIC, "INTERFACE": "tap5"})
    done = node.reconcile()
    before_words, _, words = done.stdout.strip().partition("; carried over: ")
    assert before_words == "removed tap0 from br0: its interface is gone"
    assert set(words.split(", ")) == {
        "mirror in", "mirror out", "protected", "other_config:x", "external_ids:rack",
        "lldp:enable", "external_ids:vm-id",
    }  # fmt: skip
    assert done.stderr == ""
    renamed = {
        name: sorted({"tap0": "tap5"}.get(one, one) for one in taps)
        for name, taps in before.items()
    }
    assert hung(ovs) == renamed
    assert columns(ovs, "tap5") == was


def test_made_anew_by_reconcile(node: Node, ovs: OpenVSwitch, product: Product) -> None:
    before = hung(ovs), columns(ovs, "tap0")
    node.stop(NIC["INSTANCE"], crash=True)
    node.guests.start(NIC["INSTANCE"], NIC)  # Its script has not run.
    node.guests.configuration(NIC, nic(2, "tap1", 20))
    would = product.run(ovs.environ, product.gnt_ovs, "reconcile", "--dry-run").stdout
    done = good(node.reconcile()).stdout
    assert would == f"would have {done}"
    assert done.startswith(
        "replaced tap0 (inst1.lab, NIC 0) on br0: its interface was made anew; carried over: mirror"
    )
    assert (hung(ovs), columns(ovs, "tap0")) == before


def test_another_nics_port(node: Node, ovs: OpenVSwitch) -> None:
    """On the same tap: nothing of the former guest's is for it."""
    node.stop(NIC["INSTANCE"], crash=True)
    node.start(nic(3, "tap0", 10))
    found = columns(ovs, "tap0")
    assert (found["protected"], found["x"], found["rack"], found["lldp"]) == (False, None, None, {})
    assert hung(ovs)["out select_src_port"] == []


def test_on_another_vswitch(node: Node, ovs: OpenVSwitch) -> None:
    """A mirror is of one vSwitch, and what the port itself had goes with the NIC."""
    moved = {**NIC, "LINK": "br1"}
    node.nics[NIC["INSTANCE"]] = moved
    node.guests.configuration(moved, nic(2, "tap1", 20))
    done = node.hook("instance-modify", moved)
    assert said(done.stderr) == (
        "ganeti-ovs: warning: tap0: with its port went mirror in, mirror out; its NIC's new port"
        " gets it by hand alone\n"
    )
    assert port(ovs, "tap0")["bridge"] == "br1"
    assert columns(ovs, "tap0")["protected"] is True
    assert hung(ovs)["out select_dst_port"] == ["tap1"]


def test_a_stop_is_the_end(node: Node, ovs: OpenVSwitch) -> None:
    """Said when it happens, and once; a guest that has none is silent."""
    node.stop(NIC["INSTANCE"])
    done = node.hook("instance-stop", NIC)
    assert done.returncode == 1
    assert said(done.stderr) == (
        "ganeti-ovs: warning: tap0: with its port went mirror in, mirror out, protected,"
        " other_config:x, lldp:enable\n"
    )
    assert good(node.reconcile()).stdout == "nothing to do\n"
    ovs.vsctl("clear", "bridge", "br0", "mirrors")
    other = nic(2, "tap1", 20)
    node.stop(other["INSTANCE"])
    assert good(node.hook("instance-stop", other)).stderr == ""
