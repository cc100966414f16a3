"""Tags that say nothing, or what cannot be, of instances, networks, groups and nodes."""

from __future__ import annotations

import pytest

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.inventory import Instance, Network
from ganeti_ovs.cluster.master import Cluster, Group, Node
from ganeti_ovs.cluster.wrongtags import of_groups, of_instances, of_networks

UUID = "0dd8e9ee-1a2b-4c3d-8e9f-000000000001"
FORM = "write ovs:nic:<index, name, uuid or *>:<setting>:<value>"


def instance(*tags: str, **changes: str) -> Instance:
    said = NicSettings(
        instance="a.lab", mac="aa:00:77:00:00:01", mode="openvswitch", index="0", uuid=UUID,
        name="lan", link="br0", tags=" ".join(tags),
    )  # fmt: skip
    bridged = said.but(mode="bridged", index="1", uuid=UUID[:-1] + "2", name="", vlan="x")
    return Instance("a.lab", "n1", False, tags, (said.but(**changes), bridged))


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("ovs:nic:0:vlna:.5", "is unknown (did you mean vlan?)"),
        ("ovs:nics:0:max-bandwith:5M", "is unknown (did you mean nic, max_bandwidth?)"),
        ("ovs:nic:0:colour:red", f"is unknown; {FORM}"),
        ("ovs:", f"is unknown; {FORM}"),
        ("ovs:nic:0:vlan", f"is unknown; {FORM}"),
        ("ovs:nic:0:port_type:acces", ": port_type 'acces' is none of access, trunk, hybrid"),
    ],
)
def test_wrong(tag: str, words: str) -> None:
    (problem,) = of_instances([instance("web", tag, "osv:nic")])
    assert (problem.kind, problem.subject) == ("tag", "instance a.lab")
    assert problem.words == f"tag {tag}{'' if words.startswith(':') else ' '}{words}"
    assert problem.repair == f"gnt-instance remove-tags a.lab {tag}"


def test_all_are_named_at_once() -> None:
    found = list(of_instances([instance("ovs:nic:0:vlan:x", "ovs:nic:*:vlan:y")]))
    assert len(found) == 2


def test_right() -> None:
    tags = ("ovs:nic:0:vlan:.5", "ovs:nic:*:max_bandwidth:5M", f"ovs:nic:{UUID}:port_type:access",
            "ovs:nic:lan:max_burst:1M", "ovs:nic:1:max_bandwidth:1M", "other")  # fmt: skip
    assert list(of_instances([instance(*tags)])) == []


def test_what_is_wrong_together() -> None:
    tags = "ovs:nic:0:vlan:.5", "ovs:nic:0:port_type:trunk"
    (problem,) = of_instances([instance(*tags)])
    assert problem.kind == "nic-wrong"
    assert problem.words.startswith("NIC 0: port_type trunk contradicts vlan .5: ")
    (problem,) = of_instances([instance(vlan="5000")])
    assert problem.words.startswith("NIC 0: vlan '5000': VLAN ID 5000 is not in 1-4094")


def test_for_a_nic_that_is_not_there() -> None:
    tags = "ovs:nic:2:vlan:.5", "ovs:nic:lna:vlan:.5"
    found = list(of_instances([instance(*tags)]))
    assert [(one.kind, one.words) for one in found] == [
        ("tag-idle", f"tag {tag} is for a NIC that it does not have") for tag in tags
    ]


def test_by_the_uuid_of_a_nic_that_is_not_there() -> None:
    """Removed, or another one since an import: both ways are named."""
    tag = "ovs:nic:77777777-1111-2222-3333-777777777777:max_bandwidth:10M"
    (found,) = of_instances([instance(tag)])
    again = f"gnt-ovs modify-nic {instance().name} NIC --max-bandwidth 10M"
    assert found.words == f"no NIC has its UUID; if it was imported: {again}: tag {tag}"
    assert found.repair == f"gnt-instance remove-tags {instance().name} {tag}"


def test_networks() -> None:
    tags = "ovs:nic:*:vlan:.5", "ovs:nic:0:vlan:.5"
    (problem,) = of_networks([Network("net1", tags)])
    assert problem.line == (
        "network net1: tag ovs:nic:0:vlan:.5: on a network only ovs:nic:*:... is possible;"
        " gnt-network remove-tags net1 ovs:nic:0:vlan:.5"
    )


def test_groups_and_nodes() -> None:
    tags = {"ovs:switch:br0", "ovs:revision:1", "ovs:swich:br1", "other", "ovs:swtich:br0:mut:1400",
            "ovs:nic:0:vlan:.5"}  # fmt: skip
    cluster = Cluster(
        "lab",
        {"rack1": Group("rack1", frozenset(tags))},
        {"n1": Node("n1", "rack1", frozenset({"ovs:switches"}), False, 22)},
    )
    groups, nodes = "gnt-group remove-tags rack1", "gnt-node remove-tags n1"
    assert sorted(one.line for one in of_groups(cluster)) == [
        f"node group rack1: tag ovs:nic:0:vlan:.5 is unknown; {groups} ovs:nic:0:vlan:.5",
        "node group rack1: tag ovs:swich:br1 is unknown (did you mean switch?);"
        f" {groups} ovs:swich:br1",
        "node group rack1: tag ovs:swtich:br0:mut:1400 is unknown (did you mean switch, mtu?);"
        f" {groups} ovs:swtich:br0:mut:1400",
        f"node n1: tag ovs:switches is unknown (did you mean switch?); {nodes} ovs:switches",
    ]
