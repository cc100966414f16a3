"""What the master says of an instance's NICs, and what a node takes for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.news import FORMAT, News, from_line, to_line
from ganeti_ovs.model.errors import BadInput

UUID = "bdc23741-5995-403d-8ac7-475db57bbb6f"
SAID = NicSettings(
    instance="web.lab", index="0", uuid=UUID, name="front", mac="aa:00:00:00:00:01",
    mode="openvswitch", link="br0", vlan=".5", tags="a ovs:nic:0:max_burst:1M", port_type="access",
    network_tags="ovs:nic:*:max_bandwidth:1M", max_bandwidth="10M", max_burst="1M",
)  # fmt: skip
GOOD = json.loads(to_line([SAID], whole=True))


@pytest.mark.parametrize("whole", [False, True])
def test_round_trip(whole: bool) -> None:
    other = NicSettings(instance="web.lab", index="1", uuid=UUID.replace("b", "c"), tags=SAID.tags)
    found = from_line(to_line([SAID, other], whole=whole))
    assert found == News((SAID, other), whole)
    assert found.by_uuid == {SAID.uuid: SAID, other.uuid: other}


def test_what_a_later_release_says_besides() -> None:
    line = json.dumps({**GOOD, "weather": "fine", "nics": [{**GOOD["nics"][0], "speed": 7}]})
    assert from_line(line).nics == (SAID,)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"format": True}, {"format": None}, {"whole": 1}, {"nics": []}, {"nics": {}},
        {"nics": GOOD["nics"] * 2}, {"nics": GOOD["nics"] * 65}, {"nics": [7]}, {"instance": ""},
        {"instance": "../web"}, {"tags": ["a"]}, {"tags": "a\nTAP=x"},
    ],
)  # fmt: skip
def test_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        from_line(json.dumps({**GOOD, **change}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"uuid": ""}, {"uuid": UUID.upper()}, {"index": ""}, {"index": "-1"}, {"index": 0},
        {"name": "a\nPLUG=x"}, {"vlan": None}, {"vlan": "\x1b[2J"},
    ],
)  # fmt: skip
def test_a_refused_nic(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        from_line(json.dumps({**GOOD, "nics": [{**GOOD["nics"][0], **change}]}))


def test_nobody_says_which_tap_it_is() -> None:
    """Nor whether Ganeti has taken it down: the node knows better."""
    nic = {**GOOD["nics"][0], "tap": "eth0", "down": "yes", "tags_index": "3"}
    (found,) = from_line(json.dumps({**GOOD, "nics": [nic]})).nics
    assert (found.tap, found.down, found.tags_index) == ("", "", "")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(GOOD)), values)
def test_only_its_own_error(name: str, value: Any) -> None:
    try:
        from_line(json.dumps({**GOOD, "format": FORMAT, name: value}))
    except BadInput as err:
        assert str(err).isprintable()


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    with pytest.raises(BadInput):
        from_line(text)
