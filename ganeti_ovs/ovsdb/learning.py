"""What a bond's other side must learn again after a change."""

from __future__ import annotations

import os
from os.path import dirname
from time import sleep

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.ovsdb.state import states
from ganeti_ovs.ovsdb.switches import read_tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ganeti_ovs.model.vswitch import VSwitch
    from ganeti_ovs.ovsdb.session import Session
    from ganeti_ovs.ovsdb.switches import Change
    from ganeti_ovs.plan.found import Tables

_SENT = 0.1
"""Seconds in which ovs-vswitchd surely has sent its learning packets."""


def leave(session: Session, change: Change, wanted: Iterable[VSwitch]) -> None:
    """Before the change: an active-backup bond whose active member goes takes another one.

    NOTE: only a bond whose active member changes sends learning packets, which tell a
    physical switch where the guests are now (bond_choose_active_member, bundle_run in
    ofproto/); a bond that becomes one plain port says nothing. Without, frames for a guest
    go on to the old cable until the guest sends, or is asked for by a broadcast.
    """
    for switch, port, bond, members in _bonds(change.before, wanted):
        stay = [one for one in members if one in switch.uplinks]
        if bond["active"] not in switch.uplinks and stay:
            _activate(dirname(session.path), port, (stay[0],))
            sleep(_SENT)


def relearn(session: Session, change: Change, wanted: Iterable[VSwitch]) -> list[str]:
    """After the change: let bonds that are active-backup say where their guests are.

    Those whose mode or members have changed; one that keeps its active member, or is new,
    says nothing by itself. So its member is changed, and changed back. Returns what went wrong.
    """
    switches = list(wanted)
    before = states(change.before, [switch.name for switch in switches])
    problems = []
    for switch, port, bond, members in _bonds(read_tables(session), switches):
        ports = before.get(switch.name, {}).get("ports", {})
        old = ports.get(port, {})
        same = old.get("bond", {}).get("mode") == bond["mode"]
        if not ports or (same and sorted(old["members"]) == sorted(switch.uplinks)):
            continue
        others = [one for one in members if one != bond["active"]]
        if others:
            error = _activate(dirname(session.path), port, (others[0], bond["active"]))
            if error:
                problems.append(
                    f"{switch.name}: {port}: the other side was not told where guests are: {error}"
                )
    return problems


def _bonds(
    tables: Tables, wanted: Iterable[VSwitch]
) -> Iterator[tuple[VSwitch, str, dict[str, Any], list[str]]]:
    """(vSwitch, port, bond, members with a link) of each active-backup bond that has a link."""
    switches = {switch.name: switch for switch in wanted}
    for name, state in states(tables, switches).items():
        for port, about in state["ports"].items():
            bond = about.get("bond")
            if bond and bond["mode"] == "active-backup" and bond["active"]:
                up = [one for one, member in about["members"].items() if member["link"] == "up"]
                yield switches[name], port, bond, up


def _activate(directory: str, port: str, members: tuple[str, ...]) -> str:
    """Make one member after the other the active one, by ovs-vswitchd's control socket."""
    problem = f"no control socket of ovs-vswitchd in {directory}"
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        names = []
    for name in names:
        if not (name.startswith("ovs-vswitchd.") and name.endswith(".ctl")):
            continue
        try:
            with Client(f"{directory}/{name}") as control:
                for member in members:
                    control.answer(control.post("bond/set-active-member", port, member))
        except Error as err:
            problem = f"ovs-vswitchd does not change the active member ({err})"
        else:
            return ""
    return problem
