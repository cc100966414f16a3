"""What Ganeti has of guests' NICs beside what their nodes say: where the two do not fit together.

A node goes by what it was told last, and by its copy of Ganeti's configuration where it has one.
Tags that are changed tell nobody, and a node that is not well when a NIC is modified hears nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.inventory import Instance, wanted_nic
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.status import (
    NicState,
    NicStatus,
    NodeStatus,
    PortSettings,
    Problem,
    Severity,
)
from ganeti_ovs.plan.judgenic import differences
from ganeti_ovs.plan.nicstatus import wanted_settings

NOT_PLUGGED = "the running guest does not have it: restart the guest, or hot-plug the NIC anew"
NO_GUEST = "Ganeti runs no such guest there, but something holds its tap, which has a port"
NOT_HEARD = "its node has not heard what Ganeti wants of it now"


def odd_nics(
    instances: Iterable[Instance], statuses: Mapping[str, NodeStatus]
) -> dict[str, list[Problem]]:
    """Node -> NICs there of which Ganeti has something else than the node says."""
    running = by_uuid(statuses)
    moved = {node: moved_instances(status) for node, status in statuses.items()}
    found: dict[str, list[Problem]] = {}
    for one in instances:
        for said in one.ours:
            places = running.get(said.uuid, [])
            for node, nic in places:
                words = "" if one.name in moved[node] else untold(said, nic)[1]
                if words:
                    problem = _untold(one, said, nic, words, here=node == one.node)
                    found.setdefault(node, []).append(problem)
            if not places and one.node in statuses and is_missing(one, statuses[one.node]):
                subject = f"{one.name} NIC {said.index}"
                problem = Problem(Severity.WARNING, "not-plugged", NOT_PLUGGED, subject)
                found.setdefault(one.node, []).append(problem)
    for node, status in statuses.items():
        strangers = list(_of_no_guest(status))
        if strangers:
            found.setdefault(node, []).extend(strangers)
    return found


def _of_no_guest(status: NodeStatus) -> Iterator[Problem]:
    """Ports of ours whose taps are there, though Ganeti runs no guest with them; but what is said.

    A guest that just starts has such a port for a moment.
    """
    subjects = [one.subject for one in status.problems]
    for nic in status.nics:
        said = any(one == nic.tap or one.endswith(f"({nic.tap})") for one in subjects)
        if nic.state == NicState.NO_GUEST and nic.actual and not said:
            number = f" NIC {nic.index}" if nic.index else ""
            subject = f"{nic.instance}{number} ({nic.tap})" if nic.instance else nic.tap
            words = f"{NO_GUEST} on {nic.actual.switch}"
            yield Problem(Severity.WARNING, "no-guest", words, subject)


def by_uuid(statuses: Mapping[str, NodeStatus]) -> dict[str, list[tuple[str, NicStatus]]]:
    """UUID, or where there is none node and tap, -> where it runs."""
    found: dict[str, list[tuple[str, NicStatus]]] = {}
    for node, status in sorted(statuses.items()):
        for nic in status.nics:
            found.setdefault(nic.uuid or f"{node} {nic.tap}", []).append((node, nic))
    return found


def moved_instances(status: NodeStatus) -> set[str]:
    """Those whose running NICs keep, as the node says, what tags by a former index say."""
    return {
        one.subject.partition(" NIC ")[0] for one in status.problems if one.kind == "index-moved"
    }


def wish(said: NicSettings) -> PortSettings | None:
    """What Ganeti wants of the NIC's port; None where that is wrong, which is said of its tags."""
    try:
        return wanted_settings(wanted_nic(said))
    except BadInput:
        return None


def untold(said: NicSettings, nic: NicStatus) -> tuple[PortSettings | None, str]:
    """(what Ganeti wants of a NIC that runs, that its node goes by something else, in words)."""
    wanted = wish(said)
    known = nic.wanted or (nic.actual if nic.state != NicState.DOWN else None)
    if wanted is None or known in (None, wanted) or nic.state == NicState.NO_GUEST:
        return wanted, ""
    has = differences(replace(nic, wanted=wanted, mac=""))
    if nic.wanted is None and not has:
        return wanted, ""
    # What is cut, if the line is long, is the end.
    return wanted, ", ".join([*has, NOT_HEARD])


def is_missing(one: Instance, status: NodeStatus) -> bool:
    """Whether NICs of the instance that the node does not name are none of a guest that runs there.

    They are if others of it run there, and it is known of each which one it is.
    """
    there = list(_of(one, status))
    return bool(there) and all(nic.uuid for nic in there) and not unknown_guests(status)


def unknown_guests(status: NodeStatus) -> bool:
    """Whether the node could not find out what runs there."""
    return any(one.kind == "guests" for one in status.problems)


def _of(one: Instance, status: NodeStatus) -> Iterator[NicStatus]:
    running = (nic for nic in status.nics if nic.state != NicState.NO_GUEST)
    return (nic for nic in running if nic.instance == one.name)


def _untold(one: Instance, said: NicSettings, nic: NicStatus, words: str, *, here: bool) -> Problem:
    """`here`: it runs on its primary node, which is the one that is told."""
    repair = f"gnt-ovs modify-nic {one.name} {said.index} --tell" if here else ""
    subject = f"{one.name} NIC {said.index} ({nic.tap})"
    return Problem(Severity.ERROR, "untold", words, subject, repair)
