"""What is odd about vSwitches that are as they are wanted: links, LACP, MTUs, VLANs.

Takes what `ganeti_ovs.plan.state.states` says of a node; a line for each oddity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

State = Mapping[str, Any]
"""vSwitch -> how it is."""


def oddities(state: State) -> list[str]:
    """What is odd on one node."""
    return [
        f"{name}: {words}" for name, switch in sorted(state.items()) for words in _switch(switch)
    ]


def failures(state: State) -> list[str]:
    """What does not work at all, though the database has it."""
    lines = []
    for name, switch in sorted(state.items()):
        for device, member in _members(switch).items():
            if member["error"]:
                lines.append(f"{name}: ovs-vswitchd refuses {device}: {member['error']}")
            elif (member["ofport"] or -1) < 0:
                lines.append(f"{name}: ovs-vswitchd has not taken {device}; see its log")
    return lines


def _members(switch: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: member
        for port in switch.get("ports", {}).values()
        for name, member in sorted(port["members"].items())
    }


def _path_mtu(switch: Mapping[str, Any]) -> int:
    """Bytes that all uplinks take; 0 where that is not known."""
    return min((member["mtu"] or 0 for member in _members(switch).values()), default=0)


def _switch(switch: Mapping[str, Any]) -> Iterator[str]:
    members = _members(switch)
    down = [name for name, member in members.items() if member["link"] != "up"]
    if down and len(down) == len(members):
        yield f"no uplink has a link: {', '.join(down)}"
    else:
        yield from (f"{name} has no link" for name in down)
    for port, about in sorted(switch["ports"].items()):
        bond = about.get("bond")
        if bond and bond["negotiated"] is False:
            silent = [
                name
                for name, member in sorted(about["members"].items())
                if member["lacp_current"] is not True and member["link"] == "up"
            ]
            if silent:
                yield f"{port}: the other side of {', '.join(silent)} speaks no LACP"
    for name, member in members.items():
        if member["mtu_request"] and member["mtu"] and member["mtu"] != member["mtu_request"]:
            yield f"{name} has an MTU of {member['mtu']}, not {member['mtu_request']}"
    mtus = {member["mtu"] for member in members.values() if member["mtu"]}
    if len(mtus) > 1:
        words = ", ".join(f"{name} {member['mtu']}" for name, member in members.items())
        yield f"uplinks of different MTU: {words}"
    path, guest = _path_mtu(switch), switch["guest_mtu"] or 0
    if 0 < path < guest:
        yield f"a guest's port has an MTU of {guest}, the uplink's is only {path}"
    yield from (f"{words} does not pass the uplink (trunks)" for words in switch["cut"])
