"""What ovs-vswitchd answers to commands of ovs-appctl(8), which is text for people, as values.

Lines of another form are passed over: another release says more, or less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.names import mac_address
from ganeti_ovs.model.reported import Bond, Datapath, Entry

_DATAPATH = re.compile(r"([a-z0-9-]{1,32})@\S+: .*", re.ASCII)
_BRIDGE = re.compile(r"  (\S+):", re.ASCII)
_PORT = re.compile(r"    (\S+) \d{1,10}/(\d{1,10}): .*", re.ASCII)
_BOND = re.compile(r"---- (\S+) ----", re.ASCII)
_MEMBER = re.compile(r"(?:member|slave) (\S+): (enabled|disabled)", re.ASCII)
_DELAY = re.compile(r" *(?:up|down)delay expires in .*", re.ASCII)
_ENTRY = re.compile(r" *(\d{1,5}|LOCAL) +(\d{1,4}) +([0-9a-fA-F:]{17}) +\S+", re.ASCII)
_VERSION = re.compile(r"ovs-vswitchd \(Open vSwitch\) (\S{1,40})", re.ASCII)
_FLOW = re.compile(
    r"(table_id=\d{1,3}, )?duration=\d+s, n_packets=\d+, n_bytes=\d+, "
    r"(?:priority=(\d{1,6}))?(.*?),actions=(.*)",
    re.ASCII,
)
_PRIORITY = 32768
"""Of a flow that tells none."""
_LOCAL = 65534


def version(text: str) -> str:
    """Of `version`; "" if it is not told."""
    found = _VERSION.match(text)
    return found[1] if found else ""


def datapaths(text: str) -> dict[str, Datapath]:
    """Of `dpif/show`: bridge -> its datapath."""
    found: dict[str, Datapath] = {}
    kind, ports = "", dict[str, int]()
    for line in text.splitlines():
        if match := _DATAPATH.fullmatch(line):
            kind, ports = match[1], {}
        elif kind and (match := _BRIDGE.fullmatch(line)):
            ports = {}
            found[match[1]] = Datapath(kind, ports)
        elif match := _PORT.fullmatch(line):
            ports[match[1]] = int(match[2])
    return found


def bonds(text: str) -> dict[str, Bond]:
    """Of `bond/show`: port -> its bond."""
    return {name: _bond(lines) for name, lines in [*_sections(text)]}


def _bond(lines: list[str]) -> Bond:
    enabled: dict[str, bool] = {}
    delayed: set[str] = set()
    active = member = ""
    for line in lines:
        if match := _MEMBER.fullmatch(line):
            member = match[1]
            enabled[member] = match[2] == "enabled"
        elif member and line.strip() in ("active member", "active slave"):
            active = member
        elif member and _DELAY.fullmatch(line):
            delayed.add(member)
    return Bond(enabled, frozenset(delayed), active, "lacp_status: negotiated" in lines)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    lines: list[str] = []
    for line in text.splitlines():
        if match := _BOND.fullmatch(line):
            lines = []
            yield match[1], lines
        else:
            lines.append(line)


def learned(text: str) -> tuple[Entry, ...]:
    """Of `fdb/show BRIDGE`."""
    found = []
    for line in text.splitlines():
        if match := _ENTRY.fullmatch(line.rstrip()):
            try:
                mac = mac_address(match[3])
            except BadInput:
                continue
            number = _LOCAL if match[1] == "LOCAL" else int(match[1])
            found.append(Entry(number, int(match[2]), mac))
    return tuple(found)


def flooded(text: str) -> frozenset[int] | None:
    """Of `ofproto/trace`: the datapath's ports that a frame that is flooded leaves by.

    None if it is not flooded by the vSwitch itself, but goes where flows send it.
    """
    _before, found, actions = text.rpartition("\nDatapath actions: ")
    if not found or "flooding" not in text:
        return None
    plain = re.sub(r"\([^()]*\)", "", actions.partition("\n")[0])
    return frozenset(
        int(word)
        for word in plain.split(",")
        if word.isascii() and word.isdigit() and len(word) < 10
    )


def dropped(text: str) -> bool:
    """Of `ofproto/trace`: whether flows drop the frame, not the vSwitch itself as it is at work."""
    drops = "\nDatapath actions: drop" in text
    return drops and not any(word in text for word in ("flooding", "NORMAL"))


def dropping(text: str) -> int | None:
    """Of `bridge/dump-flows BRIDGE`: how many flows it has, if these drop all that comes.

    None if they do not, or that is not certain. Frames come to table 0; where nothing matches,
    they are dropped.
    """
    found = [_FLOW.fullmatch(line) for line in text.splitlines()]
    flows = [one for one in found if one and not one[1]]
    if not found or not all(found):
        return None
    drops = [_priority(one) for one in flows if not one[3] and one[4] == "drop"]
    every = max(drops, default=-1)
    passes = any(one[4] != "drop" and _priority(one) >= every for one in flows)
    return None if passes else len(flows)


def _priority(flow: re.Match[str]) -> int:
    return int(flow[2] or _PRIORITY)
