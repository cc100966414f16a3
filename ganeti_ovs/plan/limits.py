"""max_bandwidth and max_burst in Open vSwitch's columns and units, both directions.

What the guest sends is policed at its Interface (ingress_policing_*), what it
receives is shaped by linux-htb on its Port.
"""

from __future__ import annotations

DEFAULT_BURST_SHARE = 2
"""Without max_burst, the burst is what the rate carries in 1/2 s: with the usual tenth of
the rate a policer leaves a TCP stream about half of it."""

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
    return rate // 1000, -(-(burst or rate // DEFAULT_BURST_SHARE) // _KIBIBIT)


def shaping(rate: int, burst: int) -> tuple[dict[str, str], dict[str, str]]:
    """other_config of the QoS row and of its queue 0, for `rate` bit/s and `burst` bit.

    max-rate and burst are in bit/s and bit there. Queue 0 is the class of all
    packets that no flow puts elsewhere.
    """
    queue = {"max-rate": str(rate)}
    if burst:
        queue["burst"] = str(burst)
    return {"max-rate": str(rate)}, queue
