from __future__ import annotations

import itertools

import pytest

from ganeti_ovs.cluster.environment import nic_of, said_in, where
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.vlan import Vlan
from tests.captured import ACCESS, CAPTURED


def test_captured_call() -> None:
    assert nic_of(said_in(ACCESS)) == Nic(
        instance="inst1.lab",
        index=0,
        uuid="bdc23741-5995-403d-8ac7-475db57bbb6f",
        mac="aa:00:77:9a:89:2a",
        tap="tap0",
        switch="br0",
        vlan=Vlan(100),
        port_type="access",
    )
    assert where(said_in(ACCESS)) == "inst1.lab, NIC 0 (tap0 on vSwitch br0)"


def test_all_captured_calls_are_understood() -> None:
    assert len(CAPTURED) == 25
    assert {nic_of(said_in(env)).port_type for env in CAPTURED.values()} == {
        "access",
        "trunk",
        "hybrid",
    }


# Where a setting can come from, strongest first, each with a value of its own.
SOURCES = [
    ("MAX_BANDWIDTH", "1M"),
    ("TAGS", "ovs:nic:0:max_bandwidth:2M"),
    ("TAGS", "ovs:nic:*:max_bandwidth:3M"),
    ("NETWORK_TAGS", "ovs:nic:*:max_bandwidth:4M"),
]


@pytest.mark.parametrize("present", list(itertools.product([False, True], repeat=4)))
def test_order_of_sources(present: tuple[bool, ...]) -> None:
    env = dict(ACCESS)
    for (variable, text), there in zip(SOURCES, present):
        if there:
            env[variable] = f"{env.get(variable, '')} {text}".strip()
    expected = (present.index(True) + 1) * 10**6 if any(present) else 0
    assert nic_of(said_in(env)).max_bandwidth == expected


def test_zero_is_said_too() -> None:
    env = {**ACCESS, "MAX_BANDWIDTH": "0", "TAGS": "ovs:nic:*:max_bandwidth:3M"}
    assert nic_of(said_in(env)).max_bandwidth == 0


def test_every_setting_by_variable_and_by_tag() -> None:
    variables = {"VLAN": "", "PORT_TYPE": "trunk", "MAX_BANDWIDTH": "5M", "MAX_BURST": "2M"}
    tags = "ovs:nic:front:port_type:trunk ovs:nic:0:max_bandwidth:5M ovs:nic:*:max_burst:2M"
    nic = nic_of(said_in({**ACCESS, **variables}))
    assert nic == nic_of(said_in({**ACCESS, "VLAN": "", "TAGS": tags}))
    assert (nic.port_type, nic.max_bandwidth, nic.max_burst) == ("trunk", 5_000_000, 2_000_000)


def test_the_nics_own_vlan_beats_a_tag() -> None:
    tags = {"NETWORK_TAGS": "ovs:nic:*:vlan:.7"}
    assert nic_of(said_in({**ACCESS, **tags})).vlan == Vlan(100)
    assert nic_of(said_in({**ACCESS, **tags, "VLAN": ""})).vlan == Vlan(7)


@pytest.mark.parametrize(
    "name", ["INSTANCE", "INTERFACE", "INTERFACE_INDEX", "INTERFACE_UUID", "MAC"]
)
@pytest.mark.parametrize("value", [None, "", "\udcff\udcfe", "a\nb", "x" * 5000])
def test_each_variable_is_checked(name: str, value: str | None) -> None:
    env = {**ACCESS, name: value} if value is not None else {**ACCESS}
    if value is None:
        del env[name]
    with pytest.raises(BadInput) as caught:
        nic_of(said_in(env))
    assert name in str(caught.value)
    line = f"{where(said_in(env))}: {caught.value}"
    assert line.isascii()
    assert "\n" not in line
    assert len(line) < 400
