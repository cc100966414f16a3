"""max_bandwidth and max_burst in Open vSwitch's columns and units, both directions.

What the guest sends is policed at its Interface (ingress_policing_*), what it
receives is shaped by linux-htb on its Port. The default bursts were found by
measuring; docs/bandwidth.md has the tables.
"""

from __future__ import annotations

_POLICING_BURST_MS = 300
"""A policer drops, and TCP then waits for its retransmission timeout, 200 ms at least on
Linux: what the bucket cannot hold of that time is lost. With the usual tenth of the rate
(100 ms) a stream gets half of it, from 250 ms on all; much more lets more than the rate
through for seconds."""

_POLICING_BURST_MIN = 72 * 1024 * 8
"""bit: a tap with offloads hands over 64 KiB in one piece, and a policer drops for ever what is
larger than its bucket."""

_SHAPING_BURST_MS = 50
_SHAPING_BURST_MIN = 65536 * 8

_KIBIBIT = 1024
"""vswitchd takes ingress_policing_burst times 1024 / 8 bytes, ingress_policing_rate times
1000 / 8 (lib/netdev-linux.c)."""


def policing(rate: int, burst: int) -> tuple[int, int]:
    """(ingress_policing_rate, ingress_policing_burst) for `rate` bit/s and `burst` bit.

    The rate column is kbit/s; the burst column is in units of 1024 bit. Both 0
    mean no policing; burst 0 means: choose.
    """
    if not rate:
        return 0, 0
    bits = burst or max(rate * _POLICING_BURST_MS // 1000, _POLICING_BURST_MIN)
    return rate // 1000, -(-bits // _KIBIBIT)


def shaping(rate: int, burst: int) -> tuple[dict[str, str], dict[str, str]]:
    """other_config of the QoS row and of its queue 0, for `rate` bit/s and `burst` bit.

    Rates are in bit/s, the burst in bit. Queue 0 is the class of all packets
    that no flow puts elsewhere. NOTE: without min-rate the class has a rate of
    12 kbit/s and borrows all else from the root class, whose burst is one
    packet whatever the queue says (lib/netdev-linux.c, htb_setup_class__).
    """
    bits = burst or max(rate * _SHAPING_BURST_MS // 1000, _SHAPING_BURST_MIN)
    text = str(rate)
    return {"max-rate": text}, {"min-rate": text, "max-rate": text, "burst": str(bits)}
