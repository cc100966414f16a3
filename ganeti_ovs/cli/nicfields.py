"""The fields of a list of NICs: their titles, what they say, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ganeti_ovs.master.niclist import ListedNic
from ganeti_ovs.model.rate import format_bits
from ganeti_ovs.model.status import NicStatus, PortSettings

NONE = "-"
"""Nothing, or nothing that is known."""
_ALIKE = 100
"""Two rates are one if they differ by less than its hundredth part: kernels round."""


@dataclass(frozen=True)
class Field:
    """One column."""

    title: str
    help: str
    text: Callable[[ListedNic], str]


def _port(pick: Callable[[PortSettings], str]) -> Callable[[ListedNic], str]:
    """What a port is like, and behind it what it is to be if that is something else."""

    def text(nic: ListedNic) -> str:
        actual = nic.status.actual if nic.status else None
        wanted = pick(nic.wanted) if nic.wanted else None
        if nic.status is None:
            return wanted or NONE
        return both(pick(actual) if actual else NONE, wanted)

    return text


def both(actual: str, wanted: str | None) -> str:
    """The actual value, and the wanted one if that is known and another."""
    return actual if wanted in (None, actual) else f"{actual} (wanted {wanted})"


def bandwidth(settings: PortSettings) -> str:
    """bit/s in both directions, or `SENDS/RECEIVES` of the guest."""
    return _each(settings.sends, settings.receives)


def _bandwidth(nic: ListedNic) -> str:
    """As the kernel has it, where that is known: what the database has says nothing to frames."""
    wanted = bandwidth(nic.wanted) if nic.wanted else None
    if nic.status is None:
        return wanted or NONE
    return both(real_bandwidth(nic.status), wanted)


def real_bandwidth(nic: NicStatus) -> str:
    """What a running guest's NIC is limited to."""
    if nic.actual is None:
        return NONE
    sends = _real(nic.actual.sends, nic.kernel_sends)
    return _each(sends, _real(nic.actual.receives, nic.kernel_receives))


def _real(database: int, kernel: int | None) -> int:
    if kernel is None or abs(kernel - database) * _ALIKE < database:
        return database
    return kernel


_KIBIBIT = 1024


def _each(sends: int, receives: int) -> str:
    words = [format_bits(bits) if bits else NONE for bits in (sends, receives)]
    return words[0] if sends == receives else "/".join(words)


def _burst(settings: PortSettings) -> str:
    """Open vSwitch polices in units of 1024 bit: what is alike but for that is one value."""
    sends, receives = settings.send_burst, settings.receive_burst
    return _each(receives if 0 <= sends - receives < _KIBIBIT else sends, receives)


def _of_status(pick: Callable[[NicStatus], object]) -> Callable[[ListedNic], str]:
    """What there is only of a NIC that runs."""

    def text(nic: ListedNic) -> str:
        found = pick(nic.status) if nic.status else None
        return NONE if found is None or found == "" else str(found)

    return text


def _learned(nic: NicStatus) -> str:
    return ",".join(dict.fromkeys(one.mac for one in nic.learned))


FIELDS = {
    "instance": Field("Instance", "Its instance", lambda nic: nic.instance or NONE),
    "nic": Field("NIC", "Its index in the instance", lambda nic: nic.index or NONE),
    "uuid": Field("UUID", "Its UUID", lambda nic: nic.uuid or NONE),
    "node": Field("Node", "The node that it runs on, or would", lambda nic: nic.node),
    "tap": Field("Tap", "The node's interface", _of_status(lambda nic: nic.tap)),
    "switch": Field("Switch", "The vSwitch", _port(lambda port: port.switch)),
    "port_type": Field("PortType", "access, trunk or hybrid", _port(lambda port: port.port_type)),
    "vlan": Field("VLAN", "As in gnt-instance: .5, :10:20, .5:10:20",
                  _port(lambda port: port.vlan or NONE)),
    "max_bandwidth": Field("MaxBandwidth", "bit/s; SENDS/RECEIVES of the guest if they differ",
                           _bandwidth),
    "max_burst": Field("MaxBurst", "bit; the same", _port(_burst)),
    "mtu": Field("MTU", "Bytes, of the tap", _of_status(lambda nic: nic.mtu)),
    "mac": Field("MAC", "Its MAC address", lambda nic: nic.mac or NONE),
    "learned": Field("Learned", "MAC addresses that the vSwitch has seen on its port",
                     _of_status(_learned)),
    "state": Field("State", "up, down, differs, no-port, no-guest, not-plugged, failed, stock,"
                   " stopped, unknown", lambda nic: nic.state),
    "rx": Field("RX", "Bytes that the guest has received",
                _of_status(lambda nic: nic.traffic and nic.traffic.rx)),
    "tx": Field("TX", "Bytes that it has sent",
                _of_status(lambda nic: nic.traffic and nic.traffic.tx)),
    "drops": Field("Drops", "Frames that were dropped, in both directions",
                   _of_status(lambda nic: nic.traffic and nic.traffic.drops)),
    "problems": Field("Problems", "What is wrong with it",
                      lambda nic: "; ".join(nic.problems) or NONE),
}  # fmt: skip
DEFAULT_FIELDS = ("instance", "nic", "node", "tap", "switch", "port_type", "vlan", "max_bandwidth",
                  "state")  # fmt: skip


def values(nic: ListedNic, fields: tuple[str, ...]) -> dict[str, str]:
    """Field -> text, of these alone: what nobody asks for costs nothing."""
    return {field: FIELDS[field].text(nic) for field in fields}
