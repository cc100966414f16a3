"""A node's vSwitches as a tree: uplinks, bonds with their members, one line a guest's NIC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from ganeti_ovs.cli.nicfields import NONE, bandwidth, both, real_bandwidth
from ganeti_ovs.cli.table import nice
from ganeti_ovs.model.settings import in_ranges
from ganeti_ovs.model.status import (
    BondStatus,
    NicState,
    NicStatus,
    NodeStatus,
    PortSettings,
    SwitchStatus,
    Uplink,
)

_GAP = "  "
_FLEXIBLE = 1
"""The column that is cut first where a line gets too long: whose port it is."""
_LEAST = 12
"""Columns that it keeps; then VLANs are cut."""
_VLANS = 3
_COLOURS = {
    NicState.UP: "green",
    NicState.DOWN: "yellow",
    NicState.STOCK: "yellow",
    NicState.NO_GUEST: "yellow",
    NicState.UNKNOWN: "yellow",
}


@dataclass(frozen=True)
class Branch:
    """A line of the tree: words in columns, or one word that goes over all of them."""

    words: tuple[str, ...]
    colour: str = ""
    """Of the last word."""
    twigs: tuple[Branch, ...] = ()


def picture(
    status: NodeStatus, switches: Sequence[SwitchStatus], width: int | None
) -> Iterator[str]:
    """The lines; `width` columns at most, if given. NICs without vSwitch come last."""
    for switch in switches:
        yield from _tree(heading(switch), _branches(status, switch), width)
    named = {switch.name for switch in status.switches}
    lost = [_nic(nic) for nic in status.nics if switch_of(nic) not in named]
    if lost and len(switches) == len(status.switches):
        yield from _tree("on no vSwitch", lost, width)


def heading(switch: SwitchStatus) -> str:
    """A vSwitch in one line."""
    if not switch.there:
        return f"{click.style(switch.name, bold=True)}  {click.style('not there', fg='red')}"
    words = [f"{switch.datapath_type or 'system'} datapath"]
    if switch.works is False:
        words[0] += " that does not work"
    if switch.fail_mode != "standalone":
        words.append(f"fail mode {switch.fail_mode}")
    if switch.controllers:
        state = {True: "connected", False: "not connected", None: "unknown"}[switch.controlled]
        words.append(f"controller {state}")
    if switch.rstp:
        words.append("RSTP")
    if switch.trunks:
        words.append(f"uplink's VLANs {','.join(in_ranges(switch.trunks))}")
    if switch.wanted is None:
        words.append("not kept by Ganeti")
    return f"{click.style(switch.name, bold=True)}  {', '.join(words)}"


def switch_of(nic: NicStatus) -> str:
    """The vSwitch below which it stands."""
    settings = nic.actual or nic.wanted
    return settings.switch if settings else ""


def _branches(status: NodeStatus, switch: SwitchStatus) -> list[Branch]:
    bonds = {bond.port: bond for bond in switch.bonds}
    found = [
        Branch(_bond(bond), twigs=tuple(_uplink(one, bond) for one in members(switch, bond)))
        for bond in switch.bonds
    ]
    found += [_uplink(one) for one in switch.uplinks if one.port not in bonds]
    nics = [nic for nic in status.nics if switch_of(nic) == switch.name]
    found += map(_nic, sorted(nics, key=lambda nic: nice(nic.tap)))
    found += [Branch((name, "not ours")) for name in sorted(switch.others, key=nice)]
    return found


def members(switch: SwitchStatus, bond: BondStatus) -> list[Uplink]:
    """The uplinks of a bond."""
    return [one for one in switch.uplinks if one.port == bond.port]


def _bond(bond: BondStatus) -> tuple[str, str]:
    words = f"bond, {bond.mode}"
    if bond.lacp != "off":
        state = {True: "negotiated", False: "not negotiated", None: "unknown"}[bond.negotiated]
        words += f", LACP {bond.lacp}, {state}"
    return bond.port, words


def _uplink(one: Uplink, bond: BondStatus | None = None) -> Branch:
    words = ["uplink"] if bond is None else []
    if one.error:
        words.append(one.error)
    elif (one.ofport or 0) < 0:
        words.append("not taken by ovs-vswitchd")
    words.append(one.link if one.link != "up" else "link up")
    if bond is not None:
        words.append({True: "enabled", False: "disabled", None: ""}[one.enabled])
        words.append("active" if bond.active == one.name else "")
        words.append("no LACP from the other side" if one.lacp is False else "")
    words.append(f"MTU {one.mtu}" if one.mtu else "")
    text = ", ".join(filter(None, words)) or "unknown"
    good = one.link == "up" and one.enabled is not False and not one.error
    return Branch((one.name, text), "green" if good else "red" if one.link else "yellow")


def _nic(nic: NicStatus) -> Branch:
    owner = f"{nic.instance or '?'} NIC {nic.index or '?'}"
    wanted, actual = nic.wanted, nic.actual or nic.wanted  # Without a port its state says so.
    port_type, vlan, limit = (NONE, NONE, NONE)
    if actual is not None:
        port_type, vlan = actual.port_type, vlans(actual)
        limit = real_bandwidth(nic) if nic.actual else bandwidth(actual)
    if wanted is not None:
        port_type, vlan = both(port_type, wanted.port_type), both(vlan, vlans(wanted))
        limit = both(limit, bandwidth(wanted))
    words = (nic.tap, owner, port_type, vlan, "" if limit == NONE else limit, _state(nic))
    return Branch(words, _COLOURS.get(nic.state, "red"))


def _state(nic: NicStatus) -> str:
    if nic.state == NicState.STOCK:
        return "by Ganeti itself"
    return str(nic.state)


def vlans(settings: PortSettings) -> str:
    """Ganeti's form, or what none means."""
    return settings.vlan or ("untagged" if settings.port_type == "access" else "all VLANs")


def _tree(head: str, branches: list[Branch], width: int | None) -> Iterator[str]:
    yield head
    widths = _widths([one.words for one in branches], width)
    for number, one in enumerate(branches, start=1):
        last = number == len(branches)
        yield ("└─ " if last else "├─ ") + _line(one, widths, width, 3)
        inner = _widths([twig.words for twig in one.twigs], width)
        for count, twig in enumerate(one.twigs, start=1):
            stem = "   " if last else "│  "
            end = "└─ " if count == len(one.twigs) else "├─ "
            yield stem + end + _line(twig, inner, width, 6)


def _widths(lines: Sequence[tuple[str, ...]], width: int | None) -> list[int]:
    """Of the columns of NICs, cut to `width`; of shorter lines only the first word counts."""
    table = [words for words in lines if len(words) > 2]
    first = max((len(words[0]) for words in lines), default=0)
    columns = [max(map(len, column)) for column in zip(*table, strict=True)]
    columns[:1] = [first]
    if width is not None:
        for column, least in ((_FLEXIBLE, _LEAST), (_VLANS, 1)):
            over = 3 + sum(columns) + len(_GAP) * (len(columns) - 1) - width
            if over > 0 and column < len(columns):
                columns[column] = max(columns[column] - over, least)
    return columns


def _line(one: Branch, widths: list[int], width: int | None, indent: int) -> str:
    if len(one.words) > 2:
        cells = [_fit(word, size) for word, size in zip(one.words, widths, strict=True)]
        cells[_FLEXIBLE] = _fit_owner(one.words[_FLEXIBLE], widths[_FLEXIBLE])
        *rest, last = cells
    else:
        rest = [one.words[0].ljust(widths[0])]
        room = None if width is None else width - indent - widths[0] - len(_GAP)
        last = one.words[1] if room is None else _fit(one.words[1], max(room, 1))
    text = last.rstrip()
    return _GAP.join([*rest, click.style(text, fg=one.colour) if one.colour else text]).rstrip()


def _fit(word: str, size: int) -> str:
    return word.ljust(size) if len(word) <= size else f"{word[: size - 1]}…"


def _fit_owner(word: str, size: int) -> str:
    """The instance's name is cut, which NIC of it is not."""
    name, which = word[: word.rfind(" NIC ")], word[word.rfind(" NIC ") :]
    return _fit(name, max(size - len(which), 1)) + which if len(word) > size else word.ljust(size)
