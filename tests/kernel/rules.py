"""From a rate to Open vSwitch's columns: our rule, and the rules of others that bench compares.

Rates are bit/s and bursts bits, as everywhere outside Open vSwitch's own columns.
"""

from __future__ import annotations

from collections.abc import Callable

from ganeti_ovs.plan.limits import policing, shaping
from tests.kernel.job import Columns

KIBIBIT = 1024
"""vswitchd takes ingress_policing_burst times 1024 / 8 bytes (lib/netdev-linux.c)."""
OVS_MAX_RATE = 2**35 - 1


def ours(rate: int, burst: int = 0) -> Columns:
    """The columns that this project writes."""
    return Columns(*policing(rate, burst), *shaping(rate, burst))


def neutron(rate: int, burst: int = 0) -> Columns:
    """OpenStack Neutron's Open vSwitch agent: 80 % of the rate for what the guest sends.

    neutron-lib, DEFAULT_BURST_RATE; neutron, TcCommand.get_ingress_qdisc_burst_value
    and OVSBridge._update_queue (no burst for what it receives). os-vif, which plugs
    the port, sets no limits itself.
    """
    return Columns(
        policing_rate=rate // 1000,
        policing_burst=(burst or rate * 8 // 10) // 1000,
        qos={"max-rate": str(OVS_MAX_RATE)},
        queue={"max-rate": str(rate), "burst": str(burst)},
    )


def libvirt(rate: int, burst: int = 0) -> Columns:
    """libvirt with average and peak both the rate: no burst unless the user gives one.

    libvirt, virNetDevOpenvswitchInterfaceSetTxQos and -SetRxQos. What is absent is
    then Open vSwitch's default: 8000 kbit, and one MTU.
    """
    shaped = {"min-rate": str(rate), "max-rate": str(rate)}
    if burst:
        shaped["burst"] = str(burst)
    return Columns(
        policing_rate=rate // 1000, policing_burst=burst // KIBIBIT, qos=shaped, queue=shaped
    )


def ovs_tenth(rate: int, burst: int = 0) -> Columns:
    """Open vSwitch's how-to on rate limiting: a tenth of the rate.

    Documentation/howto/qos.rst (rate 10000, burst 1000) and, for what the guest
    receives, Documentation/faq/qos.rst (max-rate alone).
    """
    return Columns(
        policing_rate=rate // 1000,
        policing_burst=(burst or rate // 10) // 1000,
        qos={"max-rate": str(rate)},
        queue={"max-rate": str(rate)},
    )


Rule = Callable[[int], Columns]
RULES: dict[str, Rule] = {
    "ganeti-ovs": ours,
    "Neutron": neutron,
    "libvirt": libvirt,
    "OVS how-to": ovs_tenth,
}
