"""What is wrong with a vSwitch, by its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.status import Problem, Severity
from ganeti_ovs.plan.state import cut_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganeti_ovs.model.snapshot import Live
    from ganeti_ovs.model.status import BondStatus, SwitchStatus, Uplink
    from ganeti_ovs.plan.found import Found

_RESTART = "systemctl restart openvswitch-switch"


def switch_problems(switch: SwitchStatus, found: Found) -> Iterator[Problem]:
    """Of one that is ours, is wanted or has guests; other people's are theirs to judge."""
    has_guests = any(live.switch == switch.name for live in _guests(found))
    if not switch.there or not (switch.ours or switch.wanted is not None or has_guests):
        return
    if switch.works is False:
        yield _no_datapath(switch, found)
    yield from _controllers(switch)
    if switch.name in found.asked.dropping and switch.fail_mode != "secure":
        yield _dropping(switch, found.asked.dropping[switch.name])
    if switch.blocked:
        text = f"no broadcast leaves by {', '.join(switch.blocked)}: left so by RSTP, or no-flood"
        yield Problem(Severity.ERROR, "rstp-left", text, switch.name, _RESTART)
    if switch.ours or switch.wanted is not None:
        for uplink in switch.uplinks:
            yield from _taken(switch, uplink, found.alive)
        yield from _links(switch)
        for bond in switch.bonds:
            yield from _bond(switch, bond)
        yield from _mtus(switch, found)
        guests = (found.guests or {}).values()
        whose = {one.tap: f"{one.tap} ({one.instance}, NIC {one.index})" for one in guests}
        for text in cut_off(switch.name, found.current, whose):
            yield Problem(Severity.WARNING, "vlan-cut", text, switch.name)


def _guests(found: Found) -> list[Live]:
    taps = found.guests or {}
    return [live for tap, live in found.snapshot.live.items() if tap in taps or live.found.marked]


def _no_datapath(switch: SwitchStatus, found: Found) -> Problem:
    has, kind = found.columns.datapath_types, switch.datapath_type
    if has and kind not in has:
        module = "load the module openvswitch, or " if kind == "system" else ""
        text = f"nothing passes: ovs-vswitchd has no datapath_type {kind} ({module}take"
        text += f" {' or '.join(has)})"
        return Problem(Severity.ERROR, "datapath", text, switch.name)
    text = f"nothing passes: ovs-vswitchd has no {kind} datapath for it; see its log"
    return Problem(Severity.ERROR, "datapath", text, switch.name, _RESTART)


def _controllers(switch: SwitchStatus) -> Iterator[Problem]:
    named = ", ".join(switch.controllers)
    if switch.fail_mode == "secure" and not switch.controlled:
        which = f"{named} is not connected" if named else "it has no controller"
        harm, repair = "all guests on it", f"ovs-vsctl del-fail-mode {switch.name}"
        if (switch.wanted or {}).get("fail_mode") == "secure":
            harm, repair = "guests", f"gnt-ovs modify-switch {switch.name} --reset fail_mode"
        text = f"fail_mode is secure and {which}: {harm} are cut off"
        yield Problem(Severity.ERROR, "secure", text, switch.name, repair)
    elif named:
        state = {True: "connected", False: "not connected", None: "state unknown"}
        text = f"its controller {named} ({state[switch.controlled]}) decides what passes"
        repair = f"unless that is wanted: ovs-vsctl del-controller {switch.name}"
        yield Problem(Severity.WARNING, "controller", text, switch.name, repair)


def _dropping(switch: SwitchStatus, flows: int) -> Problem:
    if flows:
        text = "nothing passes: flows that somebody has set drop all; see ovs-ofctl dump-flows "
        return Problem(Severity.ERROR, "flows", text + switch.name, switch.name)
    repair = f"ovs-ofctl add-flow {switch.name} priority=0,actions=normal"
    return Problem(Severity.ERROR, "flows", "nothing passes: it has no flows", switch.name, repair)


def _taken(switch: SwitchStatus, uplink: Uplink, alive: bool) -> Iterator[Problem]:
    """Has ovs-vswitchd the device?"""
    name, text = uplink.name, ""
    if uplink.link == "gone":
        text = f"uplink {name} is gone: bring the device back, or take it from the uplinks"
        yield Problem(Severity.ERROR, "uplink-gone", text, switch.name)
    elif alive and switch.works is not False:
        if uplink.error:
            text = f"ovs-vswitchd refuses {name}: {uplink.error}"
        elif (uplink.ofport or -1) < 0:
            text = f"ovs-vswitchd has not taken {name}; see its log"
        if text:
            yield Problem(Severity.ERROR, "uplink-failed", text, switch.name)


def _links(switch: SwitchStatus) -> Iterator[Problem]:
    down = [one for one in switch.uplinks if one.link in ("no carrier", "set down")]
    if down and all(one.link not in ("up", "") for one in switch.uplinks):
        text = f"no uplink has a link: {', '.join(map(_how, down))}"
        yield Problem(Severity.ERROR, "links-down", text, switch.name, _set_up(down))
        return
    for one in down:
        text = f"{one.name} has no link" if one.link == "no carrier" else f"{one.name} is set down"
        yield Problem(Severity.WARNING, "link-down", text, switch.name, _set_up([one]))


def _how(uplink: Uplink) -> str:
    return uplink.name if uplink.link == "no carrier" else f"{uplink.name} is set down"


def _set_up(uplinks: list[Uplink]) -> str:
    down = [one.name for one in uplinks if one.link == "set down"]
    return " && ".join(f"ip link set {name} up" for name in down)


def _bond(switch: SwitchStatus, bond: BondStatus) -> Iterator[Problem]:
    members = [one for one in switch.uplinks if one.port == bond.port]
    linked = [one for one in members if one.link == "up"]
    silent = [one.name for one in linked if one.lacp is False]
    unused = [one.name for one in linked if one.enabled is False and not one.delayed]
    lacp = f"the other side of {', '.join(silent)} speaks no LACP"
    if linked and all(one.enabled is False for one in members):
        why = "" if bond.lacp == "off" else "; LACP is not agreed with the other side"
        why = f"; {lacp}" if silent else why
        named = ", ".join(one.name for one in members)
        text = f"nothing passes: {bond.port} uses none of {named}{why}"
        repair = "" if why else _enable(bond.port, unused)
        yield Problem(Severity.ERROR, "bond-down", text, switch.name, repair)
        return
    if silent:
        yield Problem(Severity.WARNING, "lacp", f"{bond.port}: {lacp}", switch.name)
    elif unused:
        text = f"{bond.port} does not use {', '.join(unused)}, though it has a link"
        repair = _enable(bond.port, unused)
        yield Problem(Severity.WARNING, "bond-degraded", text, switch.name, repair)


def _enable(port: str, members: list[str]) -> str:
    return " && ".join(f"ovs-appctl bond/enable-member {port} {name}" for name in members)


def _mtus(switch: SwitchStatus, found: Found) -> Iterator[Problem]:
    for one in switch.uplinks:
        if one.mtu_request and one.mtu and one.mtu != one.mtu_request:
            text = f"{one.name} has an MTU of {one.mtu}, not {one.mtu_request}"
            yield Problem(Severity.WARNING, "mtu-refused", text, switch.name)
    mtus = {one.mtu for one in switch.uplinks if one.mtu}
    if len(mtus) > 1:
        each = ", ".join(f"{one.name} {one.mtu}" for one in switch.uplinks)
        text = f"uplinks of different MTU: {each}"
        yield Problem(Severity.WARNING, "mtu-mixed", text, switch.name)
    guests = [
        device.mtu
        for live in _guests(found)
        if live.switch == switch.name and (device := (found.devices or {}).get(live.found.tap))
    ]
    if mtus and guests and min(mtus) < max(guests):
        text = f"a guest's port has an MTU of {max(guests)}, the uplink's is only {min(mtus)}"
        yield Problem(Severity.WARNING, "mtu-small", text, switch.name)
