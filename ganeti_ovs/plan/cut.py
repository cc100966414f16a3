"""Guests whom a change of a vSwitch would cut off, in words: it is not made then, unless forced.

Who was cut off before is not counted. A guest is named as `Current.guest` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganeti_ovs.plan.current import clearable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from ganeti_ovs.model.rows import Bridge, Interface, Port, Uuid
    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.plan.current import Current, Host

ALL = frozenset(range(4095))
"""Every VLAN; 0 is the untagged network."""
_NONE: frozenset[int] = frozenset()
_ROOM = 70
"""Characters for names, so that a line stays short; one name there is always."""
_FEW = 3
_KERNELS = ("", "system")
"""Types of interfaces that are devices of the kernel's."""
_INSIDE = ("internal", "tap", "dpdkvhostuser", "dpdkvhostuserclient")
"""Types of interfaces that lead to this node, or to a guest on it."""


def passing(port: Port) -> frozenset[int]:
    """The VLANs of a port (vswitch.xml, Port, "VLAN Configuration"); 0: untagged."""
    mode = port.vlan_mode or ("trunk" if port.tag is None else "access")
    if mode in ("access", "dot1q-tunnel"):
        return frozenset({port.tag or 0})
    if not port.trunks:
        return ALL
    return port.trunks if mode == "trunk" else port.trunks | {port.tag or 0}


def by_all_uplinks(
    wanted: Iterable[VSwitch],
    kept: Mapping[str, Port],
    gone: Set[Uuid],
    current: Current,
    host: Host,
) -> list[str]:
    """What becomes of all guests when the uplinks are those of `wanted`.

    `kept` has the ports of these, by vSwitch; the rows `gone`, bridges and ports, are taken off.
    """
    switches = {switch.name: switch for switch in wanted}
    rows = {port.uuid for port in kept.values()}
    found = []
    for name, bridge in current.bridges.items():
        if bridge.uuid not in gone:
            port = kept.get(name)
            without = gone | (rows - ({port.uuid} if port else set()))
            found += _by_uplinks(
                bridge, switches.get(name), port, without, current=current, host=host
            )
    return found


def _by_uplinks(
    bridge: Bridge,
    switch: VSwitch | None,
    kept: Port | None,
    gone: Set[Uuid],
    *,
    current: Current,
    host: Host,
) -> list[str]:
    """What becomes of the guests of `bridge` when the ports `gone` are taken off.

    `kept` is the port of the uplinks of `switch`, which is what is wanted of it, if anything is.
    """
    uplinks = switch.uplinks if switch else ()
    before = _outside(bridge, uplinks, current, host)
    passed = _NONE.union(*map(passing, before))
    guests = {who: port for who, port in current.guests(bridge).items() if passing(port) & passed}
    if not guests:
        return []
    after = [
        passing(port)
        for port in before
        if port.uuid not in gone and (kept is None or port.uuid != kept.uuid)
    ]
    if switch and uplinks:
        after.append(_wanted(switch, kept))
    if not after:
        return [f"{bridge.name}: without an uplink, {named(guests)} would reach nothing outside"]
    words = _lost(guests, passed.difference(*after))
    if words:
        return [f"{bridge.name}: trunks would cut off {named(words)}"]
    was = [row for port in before for row in current.members(port).values()]
    if len(after) > 1 or not any(row.link_state == "up" for row in was):
        return []
    if uplinks and all(_link(one, current, host) is False for one in uplinks):
        dead, harmed = named(sorted(uplinks)), named(guests)
        return [f"{bridge.name}: {dead} has no link, which would cut off {harmed}"]
    return []


def _outside(bridge: Bridge, uplinks: Sequence[str], current: Current, host: Host) -> list[Port]:
    """The ports by which a vSwitch's guests reach others than the node and each other.

    A port of somebody else's, which is neither ours nor for the wanted `uplinks`, is one if it may
    lead out: not a tap, a container's veth, or where a mirror's copies go.
    """
    return [
        port
        for port in current.ports_of(bridge)
        if not (current.guest(port) or current.mirrored_to(port))
        and any(
            _leads_out(row, host, known=port.ours or row.name in uplinks)
            for row in current.members(port).values()
        )
    ]


def _leads_out(row: Interface, host: Host, *, known: bool) -> bool:
    if row.type in _KERNELS and not known:
        return row.name in host.devices and row.name not in host.inside
    return row.type not in _INSIDE


def _link(device: str, current: Current, host: Host) -> bool | None:
    """Whether it has a link; None: nobody knows, as it is not set up yet."""
    row = current.interfaces.get(device)
    return row.link_state == "up" if row else host.links.get(device)


def _wanted(switch: VSwitch, kept: Port | None) -> frozenset[int]:
    """The VLANs that the uplinks' port will let through."""
    if switch.trunks:
        return frozenset(switch.trunks)
    return ALL if kept is None or "trunks" in clearable(kept, switch) else passing(kept)


def _lost(guests: dict[str, Port], gone: frozenset[int]) -> list[str]:
    """What guests had of the VLANs `gone`: `VLAN 5 of tap0 (…)`."""
    found = []
    for words, port in guests.items():
        vlans = sorted(passing(port) & gone)
        if len(vlans) > _FEW:
            found.append(f"{len(vlans)} VLANs of {words}")
        else:
            found += [f"{_vlan(vlan)} of {words}" for vlan in vlans]
    return found


def node_addresses(
    switch: VSwitch, bridge: Bridge, kept: Port | None, current: Current, host: Host
) -> list[str]:
    """VLANs that the node's own addresses on the vSwitch need, and that would not pass."""
    if not switch.trunks or (kept and kept.trunks == frozenset(switch.trunks)):
        return []
    found = []
    for name, vlan in current.used_by(host, bridge):
        if vlan not in switch.trunks:
            where = f"in VLAN {vlan}" if vlan else "untagged"
            found.append(
                f"{name} carries {host.carries[name]} {where}, which"
                f" trunks {' '.join(map(str, switch.trunks))} keep from the uplink"
            )
    return found


def named(names: Iterable[str], room: int = _ROOM) -> str:
    """Names as far as they fit into a line, and how many there are besides."""
    all_names = [*names]
    shown = all_names[:1]
    for name in all_names[1:]:
        if len(", ".join([*shown, name])) > room:
            break
        shown.append(name)
    more = len(all_names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def without_flows(switch: str, bridge: Bridge, current: Current) -> list[str]:
    """What `fail_mode secure` does to guests of a vSwitch that has had another one.

    NOTE: without a controller, ovs-vswitchd then removes all flows, and sets up none.
    """
    guests, controlled = current.guests(bridge), current.controlled(bridge)
    if not guests or controlled:
        return []
    why = "without a controller" if controlled is None else "whose controller is not connected"
    return [f"{switch}: fail_mode secure {why} would cut off {named(guests)}"]


def without_datapath(switch: VSwitch, bridge: Bridge | None, current: Current) -> list[str]:
    """What is wrong with the datapath type that a vSwitch is to get."""
    wanted, there = switch.datapath_type, current.datapath_types()
    if not there or wanted in there:
        return []
    guests = current.guests(bridge) if bridge else {}
    harm = f", which would cut off {named(guests)}" if guests else ""
    return [f"{switch.name}: ovs-vswitchd has no datapath type {wanted}{harm}"]


def _vlan(vlan: int) -> str:
    return f"VLAN {vlan}" if vlan else "the untagged network"
