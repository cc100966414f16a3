"""The plug of a tap, and its text."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.plug import Plug, parse_plug

BOOT = "0123abcd"
boots = st.text("0123456789abcdef", min_size=8, max_size=8)
numbers = st.integers(0, 10**20 - 1)
plugs = st.builds(Plug, boots, numbers, numbers)


@given(plugs)
def test_text_and_back(plug: Plug) -> None:
    assert parse_plug(plug.text()) == plug


@given(st.text() | st.text(string.hexdigits + ". -+_\n", max_size=40))
def test_any_text_is_a_plug_or_none(text: str) -> None:
    plug = parse_plug(text)
    assert plug is None or parse_plug(plug.text()) == plug


@pytest.mark.parametrize(
    "text",
    [
        "",
        BOOT,
        f"{BOOT}.1",
        f"{BOOT}.1.2.3",
        f"{BOOT[:7]}.1.2",
        f"{BOOT}0.1.2",
        "0123 bcd.1.2",
        f"{BOOT}.-1.2",
        f"{BOOT}.1.",
        f"{BOOT}..2",
        f"{BOOT}. 1.2",
        f"{BOOT}.1.2\n",
        f"{BOOT}.1_0.2",
        f"{BOOT}.\N{ARABIC-INDIC DIGIT ONE}.2",
        f"{BOOT}.\N{SUPERSCRIPT TWO}.2",
        f"{BOOT}.{'1' * 21}.2",
    ],
)
def test_no_plug(text: str) -> None:
    assert parse_plug(text) is None


def test_the_same_plug_at_another_moment() -> None:
    plug = Plug(BOOT, 7, 1000)
    assert plug.same(Plug(BOOT, 7, 2000))
    assert not plug.same(Plug(BOOT, 8, 1000))
    assert not plug.same(Plug("fedcba98", 7, 1000))
