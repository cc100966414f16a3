"""Bandwidths and bursts: `500k`, `100M`, `1.5G`, decimal; a bare number is kbit."""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal

_FACTORS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}

MIN_RATE = 12_000
"""bit/s. Below one 1500-byte frame per second linux-htb raises a class's rate by itself
(Open vSwitch, lib/netdev-linux.c, htb_parse_class_details__)."""

MAX_RATE = 34_359_738_000
"""bit/s. The policer's rate in bytes/s is a 32-bit number in Open vSwitch 3.1: it wraps
above this."""

MAX_BURST = 34_359_738_000
"""bit. The policer's burst in bytes is a 32-bit number, too."""


def parse_rate(text: str) -> int:
    """A max_bandwidth in bit/s; 0 means unlimited.

    Raises BadInput for anything that is no number with an optional k, M or G,
    is not a whole number of kbit/s (ingress_policing_rate's unit), or is
    outside MIN_RATE..MAX_RATE.
    """
    rate = _quantity(text, "max_bandwidth", "bit/s")
    if rate % 1000:
        raise BadInput(f"max_bandwidth {quoted(text)} is not a whole number of kbit/s")
    if rate and not MIN_RATE <= rate <= MAX_RATE:
        raise BadInput(
            f"max_bandwidth {quoted(text)} is not between {format_bits(MIN_RATE)}"
            f" and {format_bits(MAX_RATE)} bit/s (0 means unlimited)"
        )
    return rate


def parse_burst(text: str) -> int:
    """A max_burst in bits; 0 means that it follows from the rate. Raises BadInput."""
    burst = _quantity(text, "max_burst", "bit")
    if burst > MAX_BURST:
        raise BadInput(f"max_burst {quoted(text)} is above {format_bits(MAX_BURST)} bit")
    return burst


def format_bits(bits: int) -> str:
    """The shortest form that parses back to `bits` (a multiple of 1000): `1.5G`, `0`."""
    for suffix in "GMk":
        factor = _FACTORS[suffix]
        if bits >= factor:
            fraction = f"{bits % factor:0{len(str(factor)) - 1}d}".rstrip("0")
            return f"{bits // factor}{'.' if fraction else ''}{fraction}{suffix}"
    return "0" if not bits else f"0.{bits:03d}".rstrip("0") + "k"


def _quantity(text: str, what: str, unit: str) -> int:
    number, factor = text, 10**3
    if text[-1:] in _FACTORS:
        number, factor = text[:-1], _FACTORS[text[-1]]
    whole, point, fraction = number.partition(".")
    try:
        value = decimal(whole, what, 12) * factor
        if point:
            value += decimal(fraction, what, 9) * factor // 10 ** len(fraction)
            if int(fraction) * factor % 10 ** len(fraction):
                raise BadInput("finer than one bit")
    except BadInput as err:
        raise BadInput(
            f"{what} {quoted(text)} is no {unit} value: write 500k, 100M or 1.5G"
            f" (a bare number is k{unit})"
        ) from err
    return value
