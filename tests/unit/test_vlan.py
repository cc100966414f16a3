from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vlan import PORT_TYPES, Vlan, parse_port_type, parse_vlan, port_type_for

IDS = st.integers(1, 4094)


@st.composite
def vlans(draw: st.DrawFn) -> Vlan:
    ids: list[int] = draw(st.lists(IDS, unique=True, max_size=12))
    native: bool = draw(st.booleans())
    if ids and native:
        return Vlan(ids[0], tuple(sorted(ids[1:])))
    return Vlan(None, tuple(sorted(ids)))


@pytest.mark.parametrize(
    ("text", "vlan", "canonical"),
    [
        ("", Vlan(), ""),
        ("5", Vlan(5), ".5"),
        (".5", Vlan(5), ".5"),
        ("0100", Vlan(100), ".100"),
        ("4094", Vlan(4094), ".4094"),
        (":10", Vlan(None, (10,)), ":10"),
        (":20:10", Vlan(None, (10, 20)), ":10:20"),
        ("2:10:20", Vlan(2, (10, 20)), ".2:10:20"),
        (".2:20:10", Vlan(2, (10, 20)), ".2:10:20"),
        (":10-12", Vlan(None, (10, 11, 12)), ":10:11:12"),
        ("2:30:10-11:4093-4094", Vlan(2, (10, 11, 30, 4093, 4094)), ".2:10:11:30:4093:4094"),
        (":0010-011", Vlan(None, (10, 11)), ":10:11"),
    ],
)
def test_forms(text: str, vlan: Vlan, canonical: str) -> None:
    assert parse_vlan(text) == vlan
    assert str(vlan) == canonical


@pytest.mark.parametrize(
    "text",
    ["garbage", "0", ".0", "4095", "9999", "99999", ".", ":", "::", "::10", "10:", ".:10", ":10:",
     "10,20", "-1", "+1", "1_0", "0x10", "1.5", ".5:5", ":7:7", "5:7:5", ".5.6", "１０", "٣", "²",
     "5-6", ".5-6", ":6-5", ":5-5", ":5-", ":-5", ":0-5", ":4000-4095", ":1-2-3", ":5-9:7",
     ".7:5-9", ":5-9:8-12", ":--", ":\u0661-\u0665", ":9-" + "1" * 5000, "\udcff",
     " 5", "5 ", "5\n", "\n", " ", "\0", "5;reboot"],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_vlan(text)
    message = str(caught.value)
    assert message.startswith("vlan '")
    assert message.isascii()
    assert message.isprintable()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10,20", ":10:20"),
        ("10-20", ":10-20"),
        (".10-20", ":10-20"),
        (":20-10", ":10-20"),
        (":10,20..30", ":10:20-30"),
        ("10+20 + 30", ":10:20:30"),
        (".5,10,20", ".5:10:20"),
        (":10::20:", ":10:20"),
        (" 5-9 ", ":5-9"),
        (" 5", ".5"),
        ("2:10:", ".2:10"),
        ("2:10,20", ".2:10:20"),
    ],
)
def test_did_you_mean(text: str, meant: str) -> None:
    with pytest.raises(BadInput, match=f"; did you mean {meant}\\?$"):
        parse_vlan(text)
    assert parse_vlan(meant)


@pytest.mark.parametrize(
    "text", ["x", "0-5", ".5.6", "5,5", ":1-5,3", "5000", "1," * 40, "\u0665,7"]
)
def test_what_nobody_can_mean(text: str) -> None:
    with pytest.raises(BadInput, match=r"write \.5 \(access\), :10:20-30 \(trunk\) or \.2:10:20"):
        parse_vlan(text)


@given(vlans())
def test_round_trip(vlan: Vlan) -> None:
    assert parse_vlan(str(vlan)) == vlan


@given(st.text() | st.text("0123456789.:-", max_size=24))
def test_only_its_own_error(text: str) -> None:
    try:
        vlan = parse_vlan(text)
    except BadInput:
        return
    assert parse_vlan(str(vlan)) == vlan
    ids = [*vlan.trunks, *([] if vlan.native is None else [vlan.native])]
    assert all(1 <= vid <= 4094 for vid in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("vlan", "wanted", "port_type"),
    [
        ("", None, "access"),
        (".5", None, "access"),
        (":10:20", None, "trunk"),
        (".2:10", None, "hybrid"),
        ("", "access", "access"),
        ("", "trunk", "trunk"),
        (":10", "trunk", "trunk"),
        (".5", "access", "access"),
        (".2:10", "hybrid", "hybrid"),
    ],
)
def test_port_type(vlan: str, wanted: str | None, port_type: str) -> None:
    assert port_type_for(parse_vlan(vlan), wanted) == port_type


@pytest.mark.parametrize(
    ("vlan", "wanted"),
    [
        ("", "hybrid"),
        (".5", "trunk"),
        (".5", "hybrid"),
        (":10", "access"),
        (":10", "hybrid"),
        (".2:10", "access"),
        (".2:10", "trunk"),
    ],
)
def test_contradiction(vlan: str, wanted: str) -> None:
    with pytest.raises(BadInput, match=f"port_type {wanted} contradicts"):
        port_type_for(parse_vlan(vlan), wanted)


@given(st.text())
def test_port_type_names(text: str) -> None:
    if text in PORT_TYPES:
        assert parse_port_type(text) == text
    else:
        with pytest.raises(BadInput):
            parse_port_type(text)
