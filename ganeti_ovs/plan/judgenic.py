"""What is wrong with the guests' NICs, by their status and the plan of their ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.rate import format_bits
from ganeti_ovs.model.reported import Limits
from ganeti_ovs.model.status import NicState, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ganeti_ovs.model.status import NicStatus, PortSettings, SwitchStatus
    from ganeti_ovs.plan.found import Found

RECONCILE = "gnt-ovs reconcile"
_APPLY = "gnt-ovs apply"
_RESTART = "systemctl restart openvswitch-switch"
_WARNINGS = {"index-moved", "busy"}
"""Kinds of trouble that harm nobody yet."""


def nic_problems(
    nics: Iterable[NicStatus], switches: Iterable[SwitchStatus], found: Found
) -> Iterator[Problem]:
    """Of all of them, and of ports that no guest has."""
    by_name = {one.name: one for one in switches}
    for nic in nics:
        if nic.tap in (found.guests or {}):
            yield from _nic(nic, by_name, found)
    yield from _left(found)


def _nic(nic: NicStatus, switches: Mapping[str, SwitchStatus], found: Found) -> Iterator[Problem]:
    guest = (found.guests or {})[nic.tap]
    subject = guest.subject
    if guest.trouble:
        severity = Severity.WARNING if guest.trouble_kind in _WARNINGS else Severity.ERROR
        yield Problem(severity, guest.trouble_kind, guest.trouble, subject)
    refused = found.ports.refused.get(nic.tap, "") if found.ports else ""
    due = found.ports is not None and any(step.tap == nic.tap for step in found.ports.steps)
    repair = RECONCILE if due else ""
    live = found.snapshot.live.get(nic.tap)
    if nic.actual is None or live is None:
        if not guest.down and (nic.wanted or not guest.trouble):
            lost = nic.wanted and switches.get(nic.wanted.switch)
            if refused and lost and not lost.there:
                known = found.wanted.kept and found.wanted.sent in (None, found.wanted.kept)
                repair = RECONCILE if known else _APPLY
            yield _no_port(subject, refused, repair)
        return
    if refused:
        yield Problem(Severity.ERROR, "port-refused", refused, subject)
    elif not live.found.marked:
        yield _stock(nic, subject, repair)
    elif due and (differences(nic) or nic.state != NicState.FAILED):
        yield _differs(nic, subject, repair)
    switch = switches.get(nic.actual.switch)
    if found.alive and switch and switch.works is not False:
        limits = (found.limits or {}).get(nic.tap, Limits())
        yield from at_work(nic, subject, repair, limits)
    if nic.link == "set down" and not guest.down:
        text = "its tap is set down: the guest has no network"
        yield Problem(Severity.ERROR, "nic-down", text, subject, f"ip link set {nic.tap} up")
    elif nic.link == "no carrier" and not guest.down:
        yield Problem(Severity.WARNING, "nic-down", "its tap has no carrier", subject)


def _no_port(subject: str, refused: str, repair: str) -> Problem:
    text = "it has no port: the guest has no network" + (f"; {refused}" if refused else "")
    return Problem(Severity.ERROR, "port-missing", text, subject, repair)


def _stock(nic: NicStatus, subject: str, repair: str) -> Problem:
    text = "its port was not made by ganeti-ovs"
    words = differences(nic)
    severity = Severity.ERROR if words else Severity.WARNING
    text += f": {', '.join(words)}" if words else ", and nothing keeps it right"
    return Problem(severity, "stock", text, subject, repair)


def _differs(nic: NicStatus, subject: str, repair: str) -> Problem:
    text = ", ".join(differences(nic)) or "its port is not as it is wanted"
    return Problem(Severity.ERROR, "port-differs", text, subject, repair)


def differences(nic: NicStatus) -> list[str]:
    """What of the port is not as it is wanted, in words."""
    has, wanted = nic.actual, nic.wanted
    if has is None or wanted is None:
        return []
    found = []
    if has.switch != wanted.switch:
        found.append(f"its port is on vSwitch {has.switch}, not {wanted.switch}")
    if (has.port_type, has.vlan) != (wanted.port_type, wanted.vlan):
        found.append(f"its port is {_port(has)}, not {_port(wanted)}")
    if (has.sends, has.send_burst) != (wanted.sends, wanted.send_burst):
        words = _limit(has.sends, has.send_burst), _limit(wanted.sends, wanted.send_burst)
        found.append("it may send {}, not {}".format(*words))
    if (has.receives, has.receive_burst) != (wanted.receives, wanted.receive_burst):
        words = (
            _limit(has.receives, has.receive_burst),
            _limit(wanted.receives, wanted.receive_burst),
        )
        found.append("it may receive {}, not {}".format(*words))
    if nic.mac and nic.attached_mac and nic.attached_mac != nic.mac:
        found.append(f"its port says MAC {nic.attached_mac}, the guest has {nic.mac}")
    return found


def _port(port: PortSettings) -> str:
    every = "all VLANs" if port.port_type == "trunk" else "untagged"
    return f"{port.port_type} {port.vlan or every}"


def _limit(rate: int, burst: int) -> str:
    if not rate:
        return "without limit"
    return f"{format_bits(rate)}bit/s (burst {burst // 1000} kbit)"


def at_work(nic: NicStatus, subject: str, repair: str, limits: Limits) -> Iterator[Problem]:
    """Has ovs-vswitchd, and has the kernel, what the rows say?"""
    if nic.error or (nic.ofport or -1) < 0:
        text = f"refuses its port: {nic.error}" if nic.error else "has not taken its port"
        text = f"ovs-vswitchd {text}; see its log"
        yield Problem(Severity.ERROR, "port-failed", text, subject, repair)
        return
    has = nic.actual
    if has is None:
        return
    if nic.kernel_sends is not None and nic.kernel_sends != has.sends:
        text = f"the kernel lets it send {_rate(nic.kernel_sends)}, not {_rate(has.sends)}"
        first = f"tc qdisc del dev {nic.tap} clsact && " if limits.foreign else ""
        yield Problem(Severity.ERROR, "limit-sends", text, subject, first + _RESTART)
    # NOTE: no class is slower than a frame of the MTU a second (lib/netdev-linux.c).
    due = max(has.receives, 8 * (nic.mtu or 0)) if has.receives else 0
    if nic.kernel_receives is not None and nic.kernel_receives not in (has.receives, due):
        text = f"the kernel lets it receive {_rate(nic.kernel_receives)}, not {_rate(has.receives)}"
        yield Problem(Severity.ERROR, "limit-receives", text, subject, _RESTART)


def _rate(rate: int) -> str:
    return f"{format_bits(rate)}bit/s" if rate else "without limit"


def _left(found: Found) -> Iterator[Problem]:
    """Ports of ours that are no running guest's, and rows that no port uses."""
    if found.ports is None:
        return
    guests = found.guests or {}
    for step in found.ports.steps:
        if step.tap in found.others:
            switch = step.goes.switch if step.goes else ""
            text = f"a port of a guest that is gone has it in vSwitch {switch}, which it is not for"
            subject = f"{found.others[step.tap]} ({step.tap})"
            yield Problem(Severity.ERROR, "port-of-other", text, subject, RECONCILE)
        elif step.tap and step.tap not in guests:
            text = "its port is left, though its guest is gone"
            yield Problem(Severity.WARNING, "port-left", text, step.tap, RECONCILE)
    if any(not step.tap for step in found.ports.steps):
        text = "there are rows of limits of ours that no port uses"
        yield Problem(Severity.WARNING, "rows-left", text, repair=RECONCILE)
