"""What changes on guests' ports, as data. Words and JSON are made at the doors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ganeti_ovs.model.rate import format_bits
from ganeti_ovs.model.vlan import Vlan
from ganeti_ovs.plan.limits import policing, shaping
from ganeti_ovs.plan.port import QOS_TYPE, VLAN_MODES, ids, interface_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.rows import Port
    from ganeti_ovs.model.snapshot import Live

_NONE = "none"
_UNIT = 1024
"""bit: what ingress_policing_burst counts."""


class PortKind(StrEnum):
    """What happens to a port."""

    ATTACHED = "attached"
    """The NIC had none."""
    CHANGED = "changed"
    """Its settings, without unplugging anything."""
    REPLACED = "replaced"
    """It is made anew; `why`."""
    WAITED = "waited"
    """It is right, and ovs-vswitchd has not taken it yet."""
    REMOVED = "removed"
    """It was ours, and no NIC's; `why`."""
    ROW_REMOVED = "row-removed"
    """A row of the table `subject` that is ours and that no port uses."""


@dataclass(frozen=True)
class Setting:
    """One setting of a port that becomes another one."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class PortChange:
    """What happens to the port of one tap."""

    kind: PortKind
    tap: str = ""
    switch: str = ""
    """On which it is afterwards, or was."""
    instance: str = ""
    nic: int | None = None
    """Ganeti's index."""
    settings: tuple[Setting, ...] = ()
    why: str = ""
    subject: str = ""
    carried: tuple[str, ...] = ()
    """What others had hung on the NIC's former port, and hangs on this one now; in words."""
    lost: tuple[str, ...] = ()
    """What others had hung on the port that goes, and will hang on none; in words."""
    heir: bool = False
    """Whether the NIC whose port went has another one."""


def settings(nic: Nic, live: Live) -> tuple[Setting, ...]:
    """The settings of the NIC that its port does not have."""
    return (*_place(nic, live), *_vlan(nic, live.port), *_limits(nic, live), *_ids(nic, live))


def _place(nic: Nic, live: Live) -> Iterator[Setting]:
    if live.switch != nic.switch:
        yield Setting("vSwitch", live.switch, nic.switch)


def _vlan(nic: Nic, port: Port) -> Iterator[Setting]:
    was = _port_type(port)
    old = _vlans(was, Vlan(port.tag, tuple(sorted(port.trunks))))
    new = _vlans(nic.port_type, nic.vlan)
    if was != nic.port_type:
        yield Setting("port_type", was, nic.port_type)
    if old != new:
        yield Setting("VLAN", old, new)


def _port_type(port: Port) -> str:
    """Of a port that somebody else may have set; as ovs-vswitchd takes it."""
    names = {mode: name for name, mode in VLAN_MODES.items()}
    natural = "trunk" if port.tag is None else "access"
    return natural if port.vlan_mode is None else names.get(port.vlan_mode, port.vlan_mode)


def _vlans(port_type: str, vlan: Vlan) -> str:
    return str(vlan) or ("all" if port_type == "trunk" else _NONE)


def _limits(nic: Nic, live: Live) -> Iterator[Setting]:
    """NOTE: two columns, one of each direction, are one setting of a NIC's."""
    rate, burst = policing(nic.max_bandwidth, nic.max_burst)
    row = live.interface
    sends = (row.ingress_policing_rate * 1000, row.ingress_policing_burst * _UNIT)
    new_sends = (rate * 1000, burst * _UNIT)
    receives = (_config(live, "max-rate"), _config(live, "burst"))
    new_receives = (0, 0)
    if nic.max_bandwidth:
        queue = shaping(nic.max_bandwidth, nic.max_burst)[1]
        new_receives = (nic.max_bandwidth, int(queue["burst"]))
    yield from _qos(nic, live)
    for number, name in enumerate(("max_bandwidth", "max_burst")):
        pairs = [
            (f"{name} ({direction})", old[number], new[number])
            for direction, old, new in (
                ("sends", sends, new_sends),
                ("receives", receives, new_receives),
            )
            # A burst that follows from the rate goes without saying.
            if old[number] != new[number] and (not number or nic.max_burst or old[0] == new[0] != 0)
        ]
        if len(pairs) == 2 and len({pair[1:] for pair in pairs}) == 1:
            pairs = [(name, *pairs[0][1:])]
        yield from (Setting(one, _bits(old), _bits(new)) for one, old, new in pairs)


def _qos(nic: Nic, live: Live) -> Iterator[Setting]:
    if live.port.qos and (live.qos is None or live.queue is None):
        yield Setting("QoS", "somebody else's", "ours" if nic.max_bandwidth else _NONE)
    elif nic.max_bandwidth and live.qos and live.qos.type != QOS_TYPE:
        yield Setting("QoS", live.qos.type, QOS_TYPE)


def _config(live: Live, key: str) -> int:
    """A number of the port's queue; 0 where there is none that can be read."""
    text = live.queue.other_config.get(key, "") if live.queue else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _bits(value: int) -> str:
    return format_bits(value) if value else _NONE


def _ids(nic: Nic, live: Live) -> Iterator[Setting]:
    found = {}
    for has, wanted in (
        (live.port.external_ids, ids(nic)),
        (live.interface.external_ids, interface_ids(nic.plugged(""))),
    ):
        for key, new in wanted.items():
            if has.get(key) != new:
                found[key] = Setting(key, has.get(key, _NONE), new)
    yield from found.values()
