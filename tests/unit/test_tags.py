from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cluster.tags import NicKey, nic_settings, parse_tag, parts_of
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vlan import Vlan

UUID = "bdc23741-5995-403d-8ac7-475db57bbb6f"
NIC = NicKey(0, "front", UUID)


@pytest.mark.parametrize("which", ["0", "front", UUID])
def test_this_nic(which: str) -> None:
    tags = f"web ovs:nic:{which}:max_bandwidth:10M prod"
    assert nic_settings(tags, "instance", NIC) == ({"max_bandwidth": 10_000_000}, {})


@pytest.mark.parametrize("which", ["1", "00", "back", UUID.replace("b", "c")])
def test_other_nics(which: str) -> None:
    assert nic_settings(f"ovs:nic:{which}:max_burst:1M", "instance", NIC) == ({}, {})


def test_a_number_is_an_index_not_a_name() -> None:
    named = NicKey(0, "1", UUID)
    assert nic_settings("ovs:nic:1:max_burst:1M", "instance", named) == ({}, {})


def test_a_nic_without_name_is_not_meant_by_an_empty_one() -> None:
    with pytest.raises(BadInput, match="unknown"):
        nic_settings("ovs:nic::max_burst:1M", "instance", NicKey(0, "", UUID))


def test_all_nics_and_values_with_colons() -> None:
    own, every = nic_settings("ovs:nic:*:vlan:.2:10:20 ovs:nic:0:vlan::7-9", "instance", NIC)
    assert own == {"vlan": Vlan(None, (7, 8, 9))}
    assert every == {"vlan": Vlan(2, (10, 20))}


@pytest.mark.parametrize(
    "tag",
    ["ovs:", "ovs:nic", "ovs:nic:0", "ovs:nic:0:max_bandwidth", "ovs:nic:0:speed:10M",
     "ovs:switch:br0:mtu:9000", "ovs:nix:0:vlan:.5", "ovs:nic:1:speed:10M",
     "ovs:nic:0:max_bandwidth:fast", "ovs:nic:1:max_bandwidth:fast", "ovs:nic:*:vlan:4095",
     "ovs:nic:0:port_type:bond", "ovs:nic:0:max_bandwidth:"],
)  # fmt: skip
def test_errors_name_the_tag(tag: str) -> None:
    with pytest.raises(BadInput) as caught:
        nic_settings(f"a {tag} b", "instance", NIC)
    assert f"instance tag '{tag}'" in str(caught.value)


def test_not_ours() -> None:
    assert nic_settings("ovs web:ovs:nic:x OVS:nic:0:speed:1", "instance", NIC) == ({}, {})


def test_contradiction_and_repetition() -> None:
    same = "ovs:nic:0:max_bandwidth:10M ovs:nic:front:max_bandwidth:10000k"
    assert nic_settings(same, "instance", NIC) == ({"max_bandwidth": 10_000_000}, {})
    with pytest.raises(BadInput, match="contradicts another tag for max_bandwidth"):
        nic_settings(same + " ovs:nic:0:max_bandwidth:20M", "instance", NIC)


def test_by_uuid_goes_before_index_and_name() -> None:
    tags = f"ovs:nic:0:max_bandwidth:10M ovs:nic:{UUID}:max_bandwidth:20M"
    for text in (tags, " ".join(reversed(tags.split()))):
        assert nic_settings(text, "instance", NIC) == ({"max_bandwidth": 20_000_000}, {})
    with pytest.raises(BadInput, match="contradicts"):
        nic_settings(f"{tags} ovs:nic:{UUID}:max_bandwidth:30M", "instance", NIC)


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("ovs:nic:0:max_bandwith:10M", "ovs:nic:0:max_bandwidth:10M"),
        ("ovs:nic:0:max-burst:1M", "ovs:nic:0:max_burst:1M"),
        ("ovs:nci:*:vlan:.2:10", "ovs:nic:*:vlan:.2:10"),
        ("ovs:nic:0:PortType:trunk", "ovs:nic:0:port_type:trunk"),
    ],
)
def test_did_you_mean(tag: str, meant: str) -> None:
    with pytest.raises(BadInput, match="unknown: did you mean ") as caught:
        nic_settings(tag, "instance", NIC)
    assert str(caught.value).endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("tag", ["ovs:nic:0:speed:10M", "ovs:nic:vlan:.5", "ovs:", "ovs:x:0:vlan:"])
def test_nobody_knows_what_was_meant(tag: str) -> None:
    with pytest.raises(BadInput, match="write ovs:nic:<index, name, uuid or"):
        nic_settings(tag, "instance", NIC)


@given(st.text(alphabet="ovs:nic0*vlan._mxbdwth-", max_size=60))
def test_parts_are_those_that_count(text: str) -> None:
    try:
        which, setting, _value = parse_tag(f"ovs:{text}", "instance")
    except BadInput:
        return
    parts = parts_of(f"ovs:{text}")
    assert parts is not None
    assert parts[:2] == (which, setting)


def test_network_tags_are_for_all_nics() -> None:
    assert nic_settings("ovs:nic:*:max_burst:1M", "network", NIC) == ({}, {"max_burst": 10**6})
    with pytest.raises(BadInput, match="on a network only"):
        nic_settings("ovs:nic:0:max_burst:1M", "network", NIC)


@given(
    st.text()
    | st.lists(st.sampled_from(["ovs", "nic", "0", "*", ":", "vlan", "front", ".5", "10M"])).map(
        "".join
    )
)
def test_only_its_own_error(tags: str) -> None:
    try:
        nic_settings(tags, "instance", NIC)
    except BadInput as err:
        assert "\n" not in str(err)
