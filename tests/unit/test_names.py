from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model import names
from ganeti_ovs.model.errors import BadInput, quoted


@pytest.mark.parametrize(
    "text", ["tap0", "br-data", "vif7.0-emu", "gnt.com.0", "a@b+c_d", "x" * 15]
)
def test_interface_names(text: str) -> None:
    assert names.interface_name(text, "LINK") == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "-x", "x" * 16, "br0;x y", "br 0", "br0\n", "a/b", "a:b", "$(x)", "`x`", "a|b",
     "é", "br\udcff", "a\0b", "tap0\t"],
)  # fmt: skip
def test_no_interface_names(text: str) -> None:
    with pytest.raises(BadInput, match=r"^LINK "):
        names.interface_name(text, "LINK")


@pytest.mark.parametrize("text", ["inst1.lab", "web-01.example.com", "a_b"])
def test_instance_names(text: str) -> None:
    assert names.instance_name(text) == text


@pytest.mark.parametrize("text", ["", "..", "../x", "a b", ".a", "-a", "a" * 256, "ä", "a\n"])
def test_no_instance_names(text: str) -> None:
    with pytest.raises(BadInput):
        names.instance_name(text)


def test_mac_and_uuid_in_lower_case() -> None:
    assert names.mac_address("AA:00:77:9a:89:2A") == "aa:00:77:9a:89:2a"
    with pytest.raises(BadInput, match="'33:33:00:00:00:01' is the address of a group, not of one"):
        names.mac_address("33:33:00:00:00:01")
    uuid = "BDC23741-5995-403d-8ac7-475db57bbb6f"
    assert names.nic_uuid(uuid) == uuid.lower()


@given(st.text())
def test_only_their_own_error(text: str) -> None:
    for check in (
        names.instance_name,
        names.mac_address,
        names.nic_uuid,
        lambda t: names.interface_name(t, "x"),
        lambda t: names.decimal(t, "x", 4),
    ):
        try:
            check(text)
        except BadInput as err:
            assert str(err).isascii()
            assert "\n" not in str(err)


@given(st.text())
def test_quoted_is_one_short_plain_line(text: str) -> None:
    shown = quoted(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 60
