"""A change of a NIC's settings as parameters and tags: what is asked for, and nobody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ganeti_ovs.cluster.environment import _settings
from ganeti_ovs.cluster.instances import Instance, InstanceNic, instance_of
from ganeti_ovs.cluster.nicsources import findings, nobodys
from ganeti_ovs.cluster.nictags import Asked, canonical
from ganeti_ovs.cluster.switchtags import MAX_TAG
from ganeti_ovs.cluster.tags import PARSERS
from ganeti_ovs.master.nicchange import NicChange, plan_change
from ganeti_ovs.model.errors import BadInput, Error

UUIDS = [f"{number}dc23741-5995-403d-8ac7-475db57bbb6f" for number in range(4)]
TAG = re.compile(r"^[\w.+*/:@-]+$")
"""Ganeti's objects.TaggableObject.VALID_TAG_RE."""
DEFAULTS = {"mode": "openvswitch", "link": "br0", "vlan": ""}


def web(*tags: str, nics: Any = 1, patched: Any = False, **more: Any) -> Instance:
    """web.lab; `more`: columns of Ganeti's answer."""
    found = {
        "name": "web.lab", "pnode": "node1.lab", "admin_state": "up", "tags": [*tags],
        "nic.uuids": UUIDS[:nics], "nic.names": [None] * nics,
        "nic.macs": [f"aa:00:00:00:00:0{number}" for number in range(nics)],
        "nic.networks": [None] * nics, "nic.networks.names": [None] * nics,
        "custom_nicparams": [{} for _ in range(nics)],
        **more,
    }  # fmt: skip
    return instance_of(found, {"net-uuid": "ovs:nic:*:max_burst:2M"}, DEFAULTS, patched)


def tag(number: int, rest: str) -> str:
    return f"ovs:nic:{UUIDS[number]}:{rest}"


@pytest.mark.parametrize(
    ("tags", "asked", "remove", "add"),
    [
        ([], {"max_bandwidth": "100M"}, [], [tag(0, "max_bandwidth:100M")]),
        (
            ["ovs:nic:0:max_bandwidth:10M", "prod", "ovs:nic:1:max_bandwidth:5M"],
            {"max_bandwidth": "100M"},
            ["ovs:nic:0:max_bandwidth:10M"],
            [tag(0, "max_bandwidth:100M")],
        ),
        # A wrong value of the same setting goes, too; other settings stay.
        (
            ["ovs:nic:0:max_bandwidth:fast", "ovs:nic:0:max_burst:1M"],
            {"max_bandwidth": "100M"},
            ["ovs:nic:0:max_bandwidth:fast"],
            [tag(0, "max_bandwidth:100M")],
        ),
        ([tag(0, "max_bandwidth:100M")], {"max_bandwidth": "100M"}, [], []),
        (
            [tag(0, "max_bandwidth:1M"), "ovs:nic:*:max_bandwidth:2M", tag(1, "max_bandwidth:3M")],
            {"max_bandwidth": None},
            [tag(0, "max_bandwidth:1M")],
            [],
        ),
        (["ovs:nic:*:max_bandwidth:2M"], {"max_bandwidth": "0"}, [], [tag(0, "max_bandwidth:0")]),
        ([], {"port_type": "trunk"}, [], [tag(0, "port_type:trunk")]),
    ],
)
def test_tags(tags: list[str], asked: Asked, remove: list[str], add: list[str]) -> None:
    change = plan_change(web(*tags, nics=2), "0", asked)
    assert (change.tags.remove, change.tags.add) == (tuple(remove), tuple(add))
    assert not change.params
    assert change.empty == (not (remove or add))


def test_a_vlan_is_a_parameter() -> None:
    """As parameters go before tags, no tag could say it; those that would be in the way go."""
    change = plan_change(web("ovs:nic:0:vlan:.7"), "0", {"vlan": ".5"})
    assert (change.params, change.tags.remove, change.tags.add) == (
        {"vlan": ".5"},
        ("ovs:nic:0:vlan:.7",),
        (),
    )
    own = web(custom_nicparams=[{"vlan": "5"}])
    assert plan_change(own, "0", {"vlan": ".5"}).empty
    assert plan_change(own, "0", {"vlan": None}).params == {"vlan": None}
    assert plan_change(own, "0", {"vlan": None}, parameters_reset=True).empty
    assert plan_change(web(custom_nicparams=[{"vlan": ""}]), "0", {"vlan": None}).empty


def test_no_vlan_where_a_tag_for_all_nics_has_one() -> None:
    change = plan_change(web("ovs:nic:*:vlan:.7"), "0", {"vlan": ""})
    assert (change.params, change.tags.add) == ({"vlan": ""}, (tag(0, "vlan:"),))
    assert findings(change.after, change.after.nics[0])["vlan"].text == ""
    assert plan_change(change.after, "0", {"vlan": ""}).empty
    change = plan_change(change.after, "0", {"vlan": ".9"})
    assert (change.params, change.tags.remove) == ({"vlan": ".9"}, (tag(0, "vlan:"),))


IN_NETWORK: dict[str, Any] = {"nic.networks": ["net-uuid"], "nic.networks.names": ["blue"]}


def test_in_a_network_with_a_vlan_there_is_no_other() -> None:
    instance = web(custom_nicparams=[{"vlan": ".3"}], **IN_NETWORK)
    with pytest.raises(BadInput, match=r"web.lab, NIC 0: its VLAN \.3 is that of network blue"):
        plan_change(instance, "0", {"vlan": ".5"})
    assert plan_change(instance, "0", {"vlan": None}).empty
    assert findings(instance, instance.nics[0])["vlan"].source == "parameter of network blue"


def test_in_a_network_without_vlan_it_is_a_tag() -> None:
    change = plan_change(web(**IN_NETWORK), "0", {"vlan": ".5"})
    assert (change.params, change.tags.add) == ({}, (tag(0, "vlan:.5"),))


def test_on_a_ganeti_that_has_them_all_are_parameters() -> None:
    instance = web("ovs:nic:0:port_type:hybrid", "ovs:nic:0:max_burst:1M", patched=True)
    asked: Asked = {"vlan": ":10:20", "port_type": "trunk", "max_bandwidth": "0", "max_burst": None}
    change = plan_change(instance, "0", asked)
    assert change.params == {"vlan": ":10:20", "port_type": "trunk", "max_bandwidth": "0"}
    assert change.tags.remove == ("ovs:nic:0:max_burst:1M", "ovs:nic:0:port_type:hybrid")
    assert change.tags.add == ()


def test_all_nics() -> None:
    instance = web("ovs:nic:*:max_bandwidth:1M", "ovs:nic:0:max_bandwidth:2M", nics=2)
    change = plan_change(instance, "*", {"max_bandwidth": "3M"})
    assert change.tags.remove == ("ovs:nic:*:max_bandwidth:1M",)
    assert change.tags.add == ("ovs:nic:*:max_bandwidth:3M",)
    with pytest.raises(BadInput, match=r"web.lab, NIC 1: port_type trunk contradicts vlan \.5"):
        plan_change(web(nics=2, custom_nicparams=[{}, {"vlan": ".5"}]), "*", {"port_type": "trunk"})


@pytest.mark.parametrize(
    ("tags", "asked", "why"),
    [
        ([], {"port_type": "hybrid"}, "web.lab, NIC 0: port_type hybrid contradicts no vlan"),
        (["ovs:nic:0:port_type:trunk"], {"vlan": ".5"}, "port_type trunk contradicts vlan .5"),
        (
            ["ovs:nic:0:max_bandwith:1M"],
            {"max_bandwidth": "2M"},
            "instance tag 'ovs:nic:0:max_bandwith:1M' is unknown: did you mean"
            " ovs:nic:0:max_bandwidth:1M?",
        ),
        (["ovs:nic:1:max_bandwidth:fast"], {"max_bandwidth": "2M"}, "max_bandwidth 'fast' is no"),
    ],
)
def test_refused(tags: list[str], asked: Asked, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        plan_change(web(*tags), "0", asked)
    assert why in str(caught.value)


def test_what_is_too_long_for_a_tag() -> None:
    vlan = "".join(f":{vid}" for vid in range(100, 140))
    with pytest.raises(BadInput, match="vlan is too long to be kept"):
        plan_change(web(**IN_NETWORK), "0", {"vlan": vlan})
    assert plan_change(web(), "0", {"vlan": vlan}).params == {"vlan": vlan}


def test_which_nic() -> None:
    instance = web(nics=2, **{"nic.names": ["front", None]})
    for text in ("0", "front", UUIDS[0], UUIDS[0].upper()):
        assert instance.nic(text).said.index == "0"
    with pytest.raises(Error, match=rf"web.lab has no NIC 7: it has 0 \(front\), 1 \({UUIDS[1]}\)"):
        instance.nic("7")
    with pytest.raises(Error, match=r"web\.lab has 2 NICs front; say an index"):
        web(nics=2, **{"nic.names": ["front", "front"]}).nic("front")
    with pytest.raises(Error, match=r"web\.lab, NIC 0 has mode bridged, not openvswitch"):
        plan_change(web(custom_nicparams=[{"mode": "bridged"}]), "0", {"max_burst": "1M"})
    with pytest.raises(Error, match=r"web\.lab has no NICs of mode openvswitch"):
        plan_change(web(custom_nicparams=[{"mode": "bridged"}]), "*", {"max_burst": "1M"})


def test_where_it_comes_from() -> None:
    instance = web(
        tag(0, "max_bandwidth:1M"), "ovs:nic:0:max_bandwidth:2M", "ovs:nic:*:max_bandwidth:3M",
        "ovs:nic:9:vlan:.5", custom_nicparams=[{"vlan": "5"}], patched=True, **IN_NETWORK,
    )  # fmt: skip
    found = findings(instance, instance.nics[0])
    assert (found["vlan"].text, found["vlan"].source) == (".5", "parameter of network blue")
    assert (found["port_type"].text, found["port_type"].source) == ("access", "follows from vlan")
    limit = found["max_bandwidth"]
    assert (limit.text, limit.source) == ("1M", f"tag {tag(0, 'max_bandwidth:1M')}")
    assert [word.source for word in limit.unused] == [
        "tag ovs:nic:0:max_bandwidth:2M",
        "tag ovs:nic:*:max_bandwidth:3M",
    ]
    assert found["max_burst"].source == "tag ovs:nic:*:max_burst:2M of network blue"
    assert nobodys(instance) == ["ovs:nic:9:vlan:.5"]


VALUES = {
    "vlan": [".5", "5", "", ":10:20", ".2:10:20"],
    "port_type": ["access", "trunk", "hybrid"],
    "max_bandwidth": ["0", "10M", "10000k", "500"],
    "max_burst": ["0", "1M", "1000"],
}
settings = st.sampled_from([*PARSERS])
whiches = st.sampled_from(["0", "1", "2", "7", "*", "front", "back", *UUIDS])
tags = settings.flatmap(
    lambda setting: st.builds(
        "ovs:nic:{}:{}:{}".format, whiches, st.just(setting), st.sampled_from(VALUES[setting])
    )
)


def value_of(setting: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from([canonical(setting, text) for text in VALUES[setting]])


asked_for = st.lists(settings, min_size=1, unique=True).flatmap(
    lambda some: st.fixed_dictionaries({setting: value_of(setting) for setting in some})
)
instances = st.builds(
    web,
    *[st.none() | tags] * 5,
    nics=st.just(3),
    patched=st.booleans(),
    **{
        "nic.names": st.lists(st.sampled_from([None, "front", "back"]), min_size=3, max_size=3),
        "nic.networks": st.lists(st.sampled_from([None, "net-uuid"]), min_size=3, max_size=3),
        "custom_nicparams": st.lists(
            st.fixed_dictionaries({}, optional={"vlan": st.sampled_from(VALUES["vlan"])}),
            min_size=3,
            max_size=3,
        ),
    },
)


def said_of(nic: InstanceNic) -> dict[str, Any] | str:
    """The settings as a node makes them of what Ganeti says; or that it refuses them."""
    try:
        return _settings(nic.said, int(nic.said.index), nic.said.uuid)
    except BadInput:
        return "refused"


def planned(instance: Instance, which: str, asked: Asked) -> NicChange:
    try:
        return plan_change(instance, which, asked)
    except BadInput:
        assume(False)
        raise


@given(instances, st.sampled_from([*UUIDS[:3], "*"]), asked_for)
def test_what_is_asked_for_and_nobody_elses(instance: Instance, which: str, asked: Asked) -> None:
    instance = instance.with_tags(frozenset(instance.tags - {"None"}))
    change = planned(instance, which, asked)
    after = change.after
    assert all(TAG.match(one) and len(one) <= MAX_TAG for one in change.tags.add)
    assert {*change.tags.remove} <= instance.tags
    assert not {*change.tags.add} & instance.tags
    again = plan_change(after, which, asked, parameters_reset=True)
    assert again.empty
    for old, new in zip(instance.nics, after.nics, strict=True):
        before, now = said_of(old), said_of(new)
        if which in ("*", new.said.uuid):
            assert now != "refused"
            for setting, text in asked.items():
                if which != "*" and text is not None:
                    value = PARSERS[setting](text)
                    empty = PARSERS["vlan"]("") if setting == "vlan" else 0
                    assert now.get(setting, empty) == value  # type: ignore[union-attr]
            if before != "refused":
                rest = PARSERS.keys() - asked.keys()
                assert {s: before.get(s) for s in rest} == {s: now.get(s) for s in rest}  # type: ignore[union-attr]
        else:
            assert before == now
