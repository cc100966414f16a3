"""vSwitches as tags of node groups and nodes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cluster.switchtags import (
    MAX_TAG,
    OTHERS,
    Stored,
    TagChange,
    change_outcome,
    read_tags,
    switches_for,
    tag_change,
    tags_of,
    torn,
)
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vswitch import VSwitch, settings_of, vswitch
from tests.unit.test_vswitch import switches

TAG = re.compile(r"^[\w.+*/:@-]+$")
"""Ganeti's objects.TaggableObject.VALID_TAG_RE."""

groups = st.lists(switches(), max_size=4, unique_by=lambda switch: switch.name).map(
    lambda found: {switch.name: settings_of(switch) for switch in found}
)


@given(groups)
def test_round_trip(wanted: dict[str, dict[str, str]]) -> None:
    tags = {tag for name, settings in wanted.items() for tag in tags_of(name, settings)}
    assert all(TAG.match(tag) and len(tag) <= MAX_TAG for tag in tags)
    others = {"rack1", "ovs:nic:*:max_bandwidth:1M", "ovs:revision:7"}
    assert read_tags(tags | others, "node group g") == Stored(wanted, ("7",))


@given(groups, groups)
def test_a_change_leads_from_one_to_the_other(
    before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]
) -> None:
    tags = {tag for name, settings in before.items() for tag in tags_of(name, settings)}
    what = tag_change(Stored(before), after)
    assert set(what.remove) <= tags
    assert not set(what.add) & tags
    assert read_tags((tags - {*what.remove}) | {*what.add}, "x").switches == after
    assert tag_change(Stored(after), after) == TagChange((), ())


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            ["ovs:switch:br0", "ovs:switch:br0:mtu:67"],
            "tag 'ovs:switch:br0:mtu:67' of node group g: mtu 67",
        ),
        (["ovs:switch:br0:mtu:1500"], "node group g: tag ovs:switch:br0 is missing"),
        (
            ["ovs:switch:br0", "ovs:switch:br0:colour:red"],
            "unknown; write ovs:switch:<name>:<setting>:",
        ),
        (
            ["ovs:switch:br0", "ovs:switch:br0:mtu"],
            "unknown; write ovs:switch:<name>:<setting>:<value>",
        ),
        (["ovs:switch:"], "the vSwitch's name is empty"),
        (
            ["ovs:switch:br0", "ovs:switch:br0:mtu:1500", "ovs:switch:br0:mtu:9000"],
            "node group g has two values for mtu of vSwitch br0: 1500 and 9000",
        ),
    ],
)
def test_refused(tags: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_tags(tags, "node group g")
    assert message in str(caught.value)


def test_a_node_has_settings_only() -> None:
    tags = ["ovs:switch:br0:uplinks:ens3"]
    assert read_tags(tags, "node n", is_node=True).switches == {"br0": {"uplinks": "ens3"}}
    assert tags_of("br0", {"uplinks": "ens3"}, is_node=True) == {*tags}
    with pytest.raises(BadInput, match="node n: tag ovs:switch:br0 is for node groups"):
        read_tags([*tags, "ovs:switch:br0"], "node n", is_node=True)


def test_too_long_a_tag() -> None:
    uplinks = "+".join(f"a-long-name-{n:03}" for n in range(9))
    vswitch("br0", {"uplinks": uplinks})
    with pytest.raises(BadInput, match=r"vSwitch br0: uplinks is too long to be kept: 166 char"):
        tags_of("br0", {"uplinks": uplinks})


def test_a_nodes_settings_go_first() -> None:
    group = Stored({"br1": {}, "br0": {"uplinks": "eth1", "mtu": "9000"}})
    assert switches_for(group, Stored({"br0": {"uplinks": "ens3"}}), "node n") == (
        VSwitch("br0", ("ens3",), mtu=9000),
        VSwitch("br1"),
    )
    # Left from another group that the node was in.
    idle = switches_for(group, Stored({"br7": {"mtu": "1500"}}), "node n")
    assert idle == switches_for(group, Stored({}), "node n")
    with pytest.raises(BadInput, match="node n: vSwitches br0 and br1 both claim eth1"):
        switches_for(group, Stored({"br1": {"uplinks": "eth1"}}), "node n")


def test_a_groups_bond_says_nothing_to_a_node_with_one_uplink() -> None:
    bond = {"uplinks": "eth1+eth2", "bond_primary": "eth1", "bond_updelay": "100", "mtu": "9000"}
    group = Stored({"br0": bond})
    one = Stored({"br0": {"uplinks": "ens3"}})
    assert switches_for(group, one, "node n") == (VSwitch("br0", ("ens3",), mtu=9000),)
    (two,) = switches_for(group, Stored({"br0": {"uplinks": "ens3+ens4"}}), "node n")
    assert two.bond
    assert (two.bond.primary, two.bond.updelay) == ("", 100)
    with pytest.raises(BadInput, match="bond_updelay is for a bond"):
        switches_for(group, Stored({"br0": {"uplinks": "ens3", "bond_updelay": "5"}}), "node n")


def test_two_first_changes_at_the_same_moment() -> None:
    """Both revisions are known, so the next change takes both away."""
    tags = ["ovs:switch:br0", "ovs:revision:2", "ovs:revision:1"]
    assert read_tags(tags, "node group g") == Stored({"br0": {}}, ("1", "2"))


def test_in_the_middle_of_a_change() -> None:
    tags = {"ovs:switch:br0", "ovs:switch:br0:mtu:1500", "ovs:switch:br1:mtu:9000", "other"}
    assert torn(tags), "a change takes the revision first"
    tags.add("ovs:revision:1")
    assert not torn(tags)
    assert torn({*tags, "ovs:switch:br0:mtu:9000"})
    assert not torn({*tags, "ovs:switch:br0:uplinks:a+b"})
    assert not torn({"ovs:revision:1"})
    assert not torn({"other"})


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        ("ovs:revision:new ovs:switch:br0:mtu:9000", ""),
        ("ovs:revision:old ovs:switch:br0:mtu:1500", "is as it was"),
        # the job ended between its opcodes
        ("ovs:switch:br0:mtu:1500", "is as it was"),
        (
            "ovs:revision:new ovs:switch:br0:mtu:9000 ovs:switch:br0:mtu:1500",
            "is changed in part, finish it by gnt-group remove-tags g ovs:switch:br0:mtu:1500",
        ),
        ("ovs:revision:other ovs:switch:br0:mtu:1400", OTHERS),
        ("ovs:revision:new ovs:revision:other ovs:switch:br0:mtu:9000", OTHERS),
    ],
)
def test_what_a_job_has_done(now: str, outcome: str) -> None:
    tags = TagChange(("ovs:switch:br0:mtu:1500",), ("ovs:switch:br0:mtu:9000",))
    command = "gnt-group remove-tags g"
    assert change_outcome(frozenset(now.split()), "new", ["old"], tags, command) == outcome
