"""What was found of the running guests' NICs, as their status. What is wrong is not said here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import printable
from ganeti_ovs.model.status import Learned, NicState, NicStatus, PortSettings
from ganeti_ovs.model.vlan import Vlan
from ganeti_ovs.plan.found import Guest
from ganeti_ovs.plan.limits import policing, shaping
from ganeti_ovs.plan.switchstatus import link, mtu

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.rows import QoS, Queue
    from ganeti_ovs.model.snapshot import Live
    from ganeti_ovs.plan.found import Found

_PORT_TYPES = {"native-untagged": "hybrid"}
_DIGITS = 20
"""A limit of as many digits is none."""
_KIBIBIT = 1024


def nic_statuses(found: Found) -> tuple[NicStatus, ...]:
    """All of them, and ports of ours that no guest holds, in the order of instances and indices."""
    guests = found.guests or {}
    left = [
        _named_in(tap, live)
        for tap, live in found.snapshot.live.items()
        if live.found.marked and tap not in guests
    ]
    return tuple(_nic(found, one) for one in _ordered([*guests.values(), *left]))


def _named_in(tap: str, live: Live) -> Guest:
    """The guest that a port of ours was made for, by what it says itself."""
    ids = live.interface.external_ids
    return Guest(
        printable(ids.get("ganeti-instance", "")),
        printable(ids.get("ganeti-nic", "")),
        printable(ids.get("iface-id", "")),
        tap,
        printable(ids.get("attached-mac", "")),
    )


def unknown(guests: Iterable[Guest]) -> tuple[NicStatus, ...]:
    """Those of guests that run while Open vSwitch's database does not answer."""
    return tuple(
        NicStatus(one.instance, one.index, one.uuid, one.tap, NicState.UNKNOWN, one.mac)
        for one in _ordered(guests)
    )


def _ordered(guests: Iterable[Guest]) -> list[Guest]:
    return sorted(guests, key=lambda one: (one.instance, one.index.zfill(8), one.tap))


def _nic(found: Found, guest: Guest) -> NicStatus:
    live = found.snapshot.live.get(guest.tap)
    desired = found.desired.nics.get(guest.tap) if found.desired else None
    # Of a tap that has gone since, the kernel has said that nothing is limited.
    there = live is not None and guest.tap in (found.devices or {})
    limits = (found.limits or {}).get(guest.tap) if there else None
    row = live.interface if live and found.alive else None
    polices = live is not None and found.current.bridges[live.switch].polices
    return NicStatus(
        guest.instance,
        guest.index,
        guest.uuid,
        guest.tap,
        _state(found, guest, live),
        mac=guest.mac,
        attached_mac=live.interface.external_ids.get("attached-mac", "") if live else "",
        wanted=wanted_settings(desired) if desired else None,
        actual=actual_port(live, found) if live else None,
        kernel_sends=limits.sends if limits and polices else None,
        kernel_receives=limits.receives if limits and live and _by_htb(live, found) else None,
        ofport=row.ofport if row else None,
        error=row.error or "" if row else "",
        link=link(found, guest.tap),
        mtu=mtu(found, guest.tap),
        learned=_learned(found, live),
        traffic=found.columns.traffic.get(guest.tap) if live and found.alive else None,
        unpoliced=live is not None and not polices,
    )


def _state(found: Found, guest: Guest, live: Live | None) -> NicState:
    if guest.tap not in (found.guests or {}):
        return NicState.UNKNOWN if found.guests is None else NicState.NO_GUEST
    return NicState.NO_PORT if live is None else _of_port(found, guest, live)


def _of_port(found: Found, guest: Guest, live: Live) -> NicState:
    """The worst of what is known goes first."""
    plan, seen = found.ports, link(found, guest.tap)
    if found.alive and (live.interface.error or (live.interface.ofport or -1) < 0):
        return NicState.FAILED
    if not live.found.marked:
        return NicState.STOCK
    known = not guest.trouble or (found.desired is not None and guest.tap in found.desired.nics)
    if not found.alive or not known or plan is None or not seen:
        return NicState.UNKNOWN
    if guest.tap in plan.refused or any(step.tap == guest.tap for step in plan.steps):
        return NicState.DIFFERS
    return NicState.DOWN if guest.down or seen != "up" else NicState.UP


def wanted_settings(nic: Nic) -> PortSettings:
    """What its port is to be."""
    rate, burst = policing(nic.max_bandwidth, nic.max_burst)
    shaped = int(shaping(nic.max_bandwidth, nic.max_burst)[1]["burst"]) if rate else 0
    return PortSettings(
        nic.switch,
        nic.port_type,
        str(nic.vlan),
        sends=rate * 1000,
        receives=nic.max_bandwidth,
        send_burst=burst * _KIBIBIT,
        receive_burst=shaped,
    )


def actual_port(live: Live, found: Found) -> PortSettings:
    """What the port is, ours or not."""
    port = live.port
    # Without vlan_mode a tag makes an access port (vswitch.xml, Port, vlan_mode).
    mode = port.vlan_mode or ("trunk" if port.tag is None else "access")
    vlan = Vlan(
        port.tag if mode != "trunk" else None,
        tuple(sorted(port.trunks)) if mode != "access" else (),
    )
    row = live.interface
    receives, burst = _shaped(live, found)
    return PortSettings(
        live.switch,
        _PORT_TYPES.get(mode, mode),
        str(vlan),
        sends=row.ingress_policing_rate * 1000,
        receives=receives,
        send_burst=row.ingress_policing_burst * _KIBIBIT,
        receive_burst=burst,
    )


def _shaped(live: Live, found: Found) -> tuple[int, int]:
    """(bit/s, burst in bit) by the rows of QoS and Queue that the port has, ours or not."""
    qos_rows = found.tables["QoS"]
    for reference in sorted(live.port.qos):
        qos: QoS = qos_rows[reference]  # type: ignore[assignment]
        queue: Queue | None = found.tables["Queue"].get(qos.queues.get(0, ""))  # type: ignore
        burst = _number(queue.other_config.get("burst", "")) if queue else 0
        return _number(qos.other_config.get("max-rate", "")), burst
    return 0, 0


def _by_htb(live: Live, found: Found) -> bool:
    """Whether nothing is to shape it but what we read of the kernel."""
    rows = [found.tables["QoS"][reference] for reference in live.port.qos]
    return all(row.columns["type"] == "linux-htb" for row in rows)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0


def _learned(found: Found, live: Live | None) -> tuple[Learned, ...]:
    if live is None or not found.alive:
        return ()
    number = live.interface.ofport
    entries = found.asked.learned.get(live.switch, ())
    return tuple(Learned(one.mac, one.vlan) for one in entries if one.ofport == number)
