"""What is odd between nodes, and what a change has made worse, by their statuses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ganeti_ovs.model.status import (
    NicState,
    NicStatus,
    NodeStatus,
    Problem,
    Severity,
    SwitchStatus,
)

Statuses = Mapping[str, NodeStatus]
"""Node -> its status."""
_PASSING = {"under-way"}
"""Kinds of problems that are somebody else's work, and are over with it."""
_EACH = {
    "by-hand", "device", "differs", "impossible", "link-down", "mtu-refused", "refused",
    "uplink-failed", "uplink-gone", "vlan-cut",
}  # fmt: skip
"""Kinds of which one subject may have several, each for a device, a guest or a setting."""
_LISTS = {"bond-degraded", "lacp", "rstp-left"}
"""Kinds whose words list devices: more of them are worse, fewer are not."""
_NAMED = 3
"""Of more nodes than these, only the number is said."""


def differences(statuses: Statuses) -> list[Problem]:
    """What is odd between the nodes of one group: the path from guest to guest."""
    return [*_mtus(statuses), *_same_mac(statuses)]


def worse(before: Iterable[Problem], after: Iterable[Problem]) -> list[Problem]:
    """Those of `after` that were not there before, or were warnings only: by kind and subject,
    and where there are several of one kind, by what they name.
    """
    known: dict[tuple[str, str], list[Problem]] = {}
    for one in before:
        known.setdefault((one.kind, one.subject), []).append(one)
    return [
        one
        for one in after
        if one.kind not in _PASSING and not _was(one, known.get((one.kind, one.subject), []))
    ]


def _was(problem: Problem, known: Iterable[Problem]) -> bool:
    """Whether it is none the worse than those `known`, of its kind and subject."""
    as_bad = [one for one in known if one.severity in (problem.severity, Severity.ERROR)]
    if problem.kind in _LISTS:
        named_before = {name for one in as_bad for name in _names(one)}
        return bool(as_bad) and _names(problem) <= named_before
    return any(problem.kind not in _EACH or one.words == problem.words for one in as_bad)


def _names(problem: Problem) -> set[str]:
    return set(problem.words.replace(",", " ").replace(";", " ").split())


def named(nodes: Iterable[str]) -> str:
    """Some of the nodes, and how many there are beside them."""
    names = sorted(nodes)
    left = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {left} more" if left > 0 else "")


def running(status: NodeStatus) -> Iterator[NicStatus]:
    """NICs whose guests run there."""
    return (nic for nic in status.nics if nic.state != NicState.NO_GUEST)


def _mtus(statuses: Statuses) -> Iterator[Problem]:
    found: dict[str, dict[int, list[str]]] = {}
    for node, status in statuses.items():
        for switch in status.switches:
            mtu = _path_mtu(switch)
            if mtu:
                found.setdefault(switch.name, {}).setdefault(mtu, []).append(node)
    for name, nodes in sorted(found.items()):
        if len(nodes) > 1:
            words = "; ".join(f"{mtu} on {named(nodes[mtu])}" for mtu in sorted(nodes))
            yield Problem(
                Severity.WARNING,
                "mtu-between-nodes",
                f"the uplinks' MTU is not the same on all nodes: {words}",
                name,
            )


def _path_mtu(switch: SwitchStatus) -> int:
    """Bytes that all uplinks take; 0 where that is not known."""
    return min((uplink.mtu or 0 for uplink in switch.uplinks), default=0)


def twice(statuses: Statuses) -> Iterator[Problem]:
    """One NIC on two nodes of any groups: while its guest moves, or one that was left behind."""
    found: dict[str, list[tuple[str, str]]] = {}
    for node, status in statuses.items():
        for nic in running(status):
            if nic.uuid:
                subject = f"{nic.instance} NIC {nic.index or nic.uuid}"
                found.setdefault(nic.uuid, []).append((node, subject))
    for places in found.values():
        if len({node for node, _ in places}) > 1:
            nodes = named({node for node, _ in places})
            words = f"runs on {nodes}: it is being moved, or one guest was left behind"
            yield Problem(Severity.WARNING, "nic-twice", words, places[0][1])


def _same_mac(statuses: Statuses) -> Iterator[Problem]:
    """Two NICs with one MAC in one VLAN of the vSwitches of one name, which are one network."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for node, status in sorted(statuses.items()):
        for nic in running(status):
            settings = nic.actual or nic.wanted
            if nic.mac and nic.uuid and settings:
                place = settings.switch, settings.vlan, nic.mac.lower()
                nics = found.setdefault(place, {})
                nics.setdefault(nic.uuid, f"{nic.instance} NIC {nic.index} on {node}")
    for (switch, _vlan, mac), nics in sorted(found.items()):
        if len(nics) > 1:
            words = f"several guests have the MAC {mac}: {named(nics.values())}"
            yield Problem(Severity.WARNING, "same-mac", words, switch)
