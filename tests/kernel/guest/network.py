"""Guests and the network they talk to: network namespaces, each with one port of the switch.

A guest is a veth pair: what its inner end sends arrives at the outer end, the
switch's port, as a guest's packets arrive at its tap: up to 64 kB in one when
offloads are on. One more guest is behind a real tap.
"""

from __future__ import annotations

from pathlib import Path

from tests.kernel.guest import product
from tests.kernel.guest.switch import BRIDGE, Switch
from tests.kernel.guest.system import in_namespace, run
from tests.kernel.guest.tap import connect
from tests.kernel.job import Columns, Job

GUESTS = 4
TAP_GUEST = GUESTS + 1
"""The number of the guest behind a tap."""
NETWORK = 0
"""The number of the network's port; the guests are 1..GUESTS."""
SOCKET_BUFFER = 16 << 20
"""bytes that a socket may ask for."""
_OFFLOADS = ("tso", "gso", "gro")
_INNER = "eth0"


def namespace(number: int) -> str:
    """The name of the namespace of guest `number`."""
    return f"guest{number}" if number else "network"


def port(number: int) -> str:
    """The name of its device on the switch."""
    return f"port{number}"


def address(number: int, family: int) -> str:
    """Its IP address."""
    return f"10.0.0.{number + 1}" if family == 4 else f"fd00::{number + 1}"


def mac(number: int) -> str:
    """Its Ethernet address."""
    return f"02:00:00:00:00:{number + 1:02x}"


class Network:
    """All namespaces; they are built once, only what a job changes is set again."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        for side in ("rmem_max", "wmem_max"):
            Path("/proc/sys/net/core", side).write_text(str(SOCKET_BUFFER))
        for number in range(TAP_GUEST + 1):
            self._build(number)
        switch.attach(port(NETWORK), Columns())
        switch.teach(port(NETWORK), mac(NETWORK))
        self._applied: tuple[int, bool, float] | None = None

    def prepare(self, job: Job) -> None:
        """Set MTU, offloads and delay as `job` wants them."""
        wanted = (job.mtu, job.offloads, job.delay)
        if wanted == self._applied:
            return
        for number in range(TAP_GUEST + 1):
            run("ip", "link", "set", port(number), "mtu", str(job.mtu))
            name = namespace(number)
            in_namespace(name, "ip", "link", "set", _INNER, "mtu", str(job.mtu))
            state = "on" if job.offloads else "off"
            settings = [word for name_ in _OFFLOADS for word in (name_, state)]
            in_namespace(name, "ethtool", "-K", _INNER, *settings)
        run("ip", "link", "set", BRIDGE, "mtu", str(job.mtu))
        self._delay(job.delay)
        self._applied = wanted

    def _delay(self, milliseconds: float) -> None:
        """Delay what the network sends."""
        network = namespace(NETWORK)
        if milliseconds:
            delay = ("netem", "delay", f"{milliseconds:g}ms", "limit", "100000")
            in_namespace(network, "tc", "qdisc", "replace", "dev", _INNER, "root", *delay)
        elif self._applied and self._applied[2]:
            in_namespace(network, "tc", "qdisc", "del", "dev", _INNER, "root")

    def _build(self, number: int) -> None:
        name, outer = namespace(number), port(number)
        run("ip", "netns", "add", name)
        if number == TAP_GUEST:
            instance, device = product.names(number)
            pid = connect(outer, _INNER, name, instance, device)
            product.runs(self.switch.environ, outer, number, pid)
        else:
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", _INNER, "netns", name)
        in_namespace(name, "ip", "link", "set", _INNER, "address", mac(number))
        for family, prefix in ((4, "24"), (6, "64")):
            options = ["nodad"] if family == 6 else []
            place = f"{address(number, family)}/{prefix}"
            in_namespace(name, "ip", "address", "add", place, "dev", _INNER, *options)
        for device in ("lo", _INNER):
            in_namespace(name, "ip", "link", "set", device, "up")
        run("ip", "link", "set", outer, "up")
        # Neighbours are told, not asked for: an ARP request that a full policer drops
        # would be a second of silence.
        for other in range(TAP_GUEST + 1):
            for family in (4, 6):
                in_namespace(
                    name, "ip", "neigh", "replace", address(other, family),
                    "lladdr", mac(other), "dev", _INNER,
                )  # fmt: skip
