"""The document that travels from the master to a node."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.document import digest, from_document, to_document
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vswitch import VSwitch, check_together
from tests.unit.test_vswitch import switches


def together(found: list[VSwitch]) -> bool:
    try:
        check_together(found)
    except BadInput:
        return False
    return True


@given(st.lists(switches(), max_size=3).filter(together), st.text(max_size=20))
def test_round_trip(found: list[VSwitch], revision: str) -> None:
    text = to_document(found, revision)
    assert "\n" not in text
    assert text.isascii()
    assert from_document(text) == (tuple(sorted(found, key=lambda one: one.name)), revision)


BEFORE = (
    '{"format": 1, "revision": "7", "switches": {"br0": {"bond_downdelay": "5", "bond_mode":'
    ' "balance-tcp", "bond_rebalance_interval": "0", "bond_updelay": "10", "datapath_type":'
    ' "netdev", "fail_mode": "secure", "lacp": "active", "lacp_fallback": "yes", "lacp_time":'
    ' "fast", "mcast_snooping": "yes", "mtu": "9000", "trunks": "10+20", "uplinks": "eth0+eth1"},'
    ' "br1": {"bond_primary": "eth3", "uplinks": "eth2+eth3"}, "br2": {"rstp": "yes"}}}'
)
"""As the first release sends it, and nodes keep it."""


def test_of_the_version_before() -> None:
    """It means the same, is written the same, and has the same digest: versions compare that."""
    switches, revision = from_document(BEFORE)
    assert (len(switches), revision) == (3, "7")
    assert to_document(switches, revision) == BEFORE
    assert digest(BEFORE) == ("d98a18e5d4b2f6ae08cbe74091db9f9e3a187062a846d1cb5f454c98560eda88")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
)


@given(st.text() | json_values.map(json.dumps) | st.builds(
    lambda form, revision, found: json.dumps(
        {"format": form, "revision": revision, "switches": found}
    ), st.sampled_from([1, 2, "1"]), json_values, json_values,
))  # fmt: skip
def test_nothing_but_bad_input(text: str) -> None:
    try:
        from_document(text)
    except BadInput as err:
        assert "\n" not in str(err)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no description of a node's vSwitches"),
        ("[]", "this is no description of a node's vSwitches"),
        ('{"format": 2, "revision": "", "switches": {}}', "format 2, not 1: another version?"),
        (
            '{"format": 1, "revision": "", "switches": {"br0": {"mtu": 9000}}}',
            "values must be text",
        ),
        (
            '{"format": 1, "revision": "", "switches": {"br0": {"mtu": "1"}}}',
            "vSwitch br0: mtu 1 is",
        ),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_document(text)
    assert message in str(caught.value)
