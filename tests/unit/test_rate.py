from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.rate import MAX_RATE, MIN_RATE, format_bits, parse_burst, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0", 0),
        ("500k", 500_000),
        ("500K", 500_000),
        ("500", 500_000),
        ("100M", 100_000_000),
        ("1.5G", 1_500_000_000),
        ("0.1M", 100_000),
        ("1.50M", 1_500_000),
        ("12k", MIN_RATE),
        ("34.359738G", MAX_RATE),
    ],
)
def test_rates(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "fast", "-1", "+1", "1e99", "1e3", "M", ".5M", "5.", "1.2.3M", "100m", "1T", "100Mbit",
     "10 M", " 10", "10\n", "0x10", "１０M", "nan", "inf", "1.5", "1.0005M", "0.0000000001G",
     "11k", "34.359739G", "35G", "9" * 5000, "1." + "0" * 5000],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^max_bandwidth '") as caught:
        parse_rate(text)
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(("text", "bits"), [("0", 0), ("1500", 1_500_000), ("8M", 8_000_000)])
def test_bursts(text: str, bits: int) -> None:
    assert parse_burst(text) == bits


@pytest.mark.parametrize("text", ["", "big", "-1", "35G", "1e9"])
def test_bursts_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^max_burst '"):
        parse_burst(text)


@given(st.integers(MIN_RATE // 1000, MAX_RATE // 1000))
def test_round_trip(kbit: int) -> None:
    assert parse_rate(format_bits(kbit * 1000)) == kbit * 1000
    assert parse_rate(str(kbit)) == kbit * 1000


@given(st.integers(0, MAX_RATE))
def test_burst_round_trip(bits: int) -> None:
    assert parse_burst(format_bits(bits)) == bits


@given(st.text() | st.text("0123456789.kKMG", max_size=24))
def test_only_their_own_error(text: str) -> None:
    for parse in (parse_rate, parse_burst):
        try:
            bits = parse(text)
        except BadInput:
            continue
        assert parse(format_bits(bits)) == bits
