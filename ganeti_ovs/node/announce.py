"""What physical switches must learn again when a vSwitch's uplinks change: where guests are.

NOTE: Open vSwitch sends learning packets only when the active member of a bond changes
(bond_choose_active_member, bundle_run in ofproto/), not when balance-slb becomes active-backup,
nor when a bond is made of a port or a port of a bond. Frames for a guest then go on to the old
cable, and are dropped, until the guest sends. Those packets also go out before the datapath's
flows are changed, so that a frame on the old way can undo them. So we send our own, after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ganeti_ovs.linux.rarp import announce_from
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node.checkpoint import Checkpoint, Stations
from ganeti_ovs.ovsdb.control import ask, control_socket
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.ovsdb.switches import read_tables
from ganeti_ovs.plan.current import Current
from ganeti_ovs.plan.state import states

if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Bridge, Interface, Port, Tables
    from ganeti_ovs.ovsdb.unixctl import Control


def with_stations(
    session: Session, checkpoint: Checkpoint, wanted: Iterable[VSwitch]
) -> Checkpoint:
    """It with what is to be announced after the change: guests, and what was learned before.

    Only what was learned at guests' ports and the vSwitch's own: of any other port, it
    may be somebody else's MAC, whose frames we would draw to us.
    NOTE: not what is learned after it: a broadcast of a guest that has come back by the other
    cable is learned at the uplink when balance-slb becomes active-backup (flows are revalidated
    in that mode).
    """
    if not checkpoint.operations:
        return checkpoint
    current = Current(checkpoint.before)
    bridges = [current.bridges[one.name] for one in wanted if one.name in current.bridges]
    stations = {
        bridge.name: {
            (mac, port.tag or 0)
            for port, row in _taps(current, bridge)
            if port.vlan_mode != "trunk" and (mac := _mac(row))
        }
        for bridge in bridges
    }
    # The guests at least.
    with suppress(Error, OSError), control_socket(session) as control:
        for bridge in bridges:
            inside = {"LOCAL", *(str(row.ofport) for _port, row in _taps(current, bridge))}
            stations[bridge.name].update(_learned(control, bridge.name, inside))
    return replace(
        checkpoint, stations={name: tuple(sorted(some)) for name, some in stations.items()}
    )


def _taps(current: Current, bridge: Bridge) -> list[tuple[Port, Interface]]:
    """(Port, Interface) of the guests; a guest's tap may stand in somebody's bond."""
    return [
        (port, row)
        for port in current.ports_of(bridge)
        for row in current.members(port).values()
        if row.ours
    ]


def _mac(row: Interface) -> str:
    """The guest's MAC; "" where somebody has taken it out of the row, or made it something else."""
    mac = row.external_ids.get("attached-mac", "")
    try:
        return mac if len(bytes.fromhex(mac.replace(":", ""))) == 6 else ""
    except ValueError:
        return ""


def leave(session: Session, checkpoint: Checkpoint, wanted: Iterable[VSwitch]) -> None:
    """Before the change: an active-backup bond whose active member goes takes another one."""
    switches = {switch.name: switch for switch in wanted}
    went = {}
    for name, state in states(checkpoint.before, switches).items():
        for port, about in state["ports"].items():
            bond, uplinks = about.get("bond"), switches[name].uplinks
            if bond and bond["mode"] == "active-backup" and bond["active"] not in uplinks:
                stay = [one for one in _with_link(about) if one in uplinks]
                if stay:
                    went[name] = (port, stay[0])
    if went:
        # Where it fails, the change costs some frames, no more.
        with suppress(Error, OSError), control_socket(session) as control:
            for port, member in went.values():
                ask(control, "bond/set-active-member", port, member)
        announce(session, went, checkpoint.stations)


def moved(before: Tables, after: Tables, wanted: Iterable[VSwitch]) -> list[str]:
    """vSwitches that were there before, and whose uplinks are other ones, or used otherwise."""
    names = [switch.name for switch in wanted]
    old, new = states(before, names), states(after, names)
    return [name for name in new if name in old and _ways(old[name]) != _ways(new[name])]


def announce(session: Session, names: Iterable[str], stations: Stations) -> list[str]:
    """Let the vSwitches `names` say to the outside which MACs are behind them; what went wrong.

    For uplinks of which one at a time is used; with others, all cables are one to the
    physical switch (LACP), or it may send to any (balance-slb).
    """
    todo = [name for name in names if stations.get(name)]
    if not todo:
        return []
    try:
        now = states(read_tables(session), todo)
        with control_socket(session) as control:
            _round(control, now, stations)
            # Half a second; only then no frame goes the old way any more.
            ask(control, "revalidator/wait")
            for name, state in now.items():
                uplinks = {
                    str(member["ofport"])
                    for about in state["ports"].values()
                    for member in about["members"].values()
                }
                if {*_learned(control, name, uplinks)} & {*stations[name]}:
                    ask(control, "fdb/flush", name)
            _round(control, now, stations)
    except (Error, OSError) as err:
        return [f"{', '.join(sorted(todo))}: the other side was not told where guests are: {err}"]
    return []


def _round(control: Control, now: dict[str, dict[str, Any]], stations: Stations) -> None:
    for name, state in now.items():
        for port, about in state["ports"].items():
            device = _used(control, port, about)
            if device:
                announce_from(device, stations[name], about["trunks"])


def _with_link(about: dict[str, Any]) -> list[str]:
    return [name for name, member in about["members"].items() if member["link"] == "up"]


def _ways(state: dict[str, Any]) -> list[tuple[list[str], str]]:
    """How frames go out: by which devices, used in which way."""
    return sorted(
        (sorted(about["members"]), about.get("bond", {}).get("mode", ""))
        for about in state["ports"].values()
    )


def _used(control: Control, port: str, about: dict[str, Any]) -> str:
    """The device that frames go out by; "" if there are several."""
    bond = about.get("bond")
    if not bond:
        return str(next(iter(about["members"]), ""))
    if bond["mode"] != "active-backup" or bond["negotiated"]:
        return ""
    return _active(ask(control, "bond/show", port))


def _active(shown: str) -> str:
    """The active member in the answer to bond/show; "" for none.

    Not by its line `active member mac`, which is what was wanted. Before 2.16, it says slave.
    """
    name = ""
    for line in shown.splitlines():
        if line.startswith(("member ", "slave ")):
            name = line.split()[1].rstrip(":")
        elif line in ("  active member", "  active slave"):
            return name
    return ""


def _learned(control: Control, name: str, ports: set[str]) -> list[tuple[str, int]]:
    """(MAC, VLAN) of all that the vSwitch has learned at these ports (OpenFlow numbers)."""
    rows = [line.split() for line in ask(control, "fdb/show", name).splitlines()[1:]]
    return [(row[2], int(row[1])) for row in rows if len(row) >= 3 and row[0] in ports]
