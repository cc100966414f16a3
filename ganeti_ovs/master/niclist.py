"""All NICs of mode openvswitch: what Ganeti has, beside what nodes say of those that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.inventory import Instance, why_wrong
from ganeti_ovs.master.wishes import (
    NOT_PLUGGED,
    by_uuid,
    is_missing,
    moved_instances,
    unknown_guests,
    untold,
    wish,
)
from ganeti_ovs.model.status import NicState, NicStatus, NodeStatus, PortSettings

STOPPED = "stopped"
"""The state of a NIC whose guest does not run on the node that was asked."""
MISSING = "not-plugged"
"""The state of a NIC that its guest, which runs, does not have."""


@dataclass(frozen=True)
class ListedNic:
    """One NIC, on one node."""

    instance: str
    index: str
    uuid: str
    node: str
    """That it runs on; if none does, its instance's primary node."""
    state: str
    mac: str = ""
    wanted: PortSettings | None = None
    """None if it is not known."""
    status: NicStatus | None = None
    """None if it does not run, or if that is not known."""
    problems: tuple[str, ...] = ()
    """Each in words."""

    @property
    def as_wanted(self) -> bool:
        """Whether nothing is to be said of it: it is up and as wanted, or it is to be stopped."""
        return self.state in (NicState.UP, STOPPED) and not self.problems


def listed(
    instances: Iterable[Instance], statuses: Mapping[str, NodeStatus], nodes: Iterable[str]
) -> Iterator[ListedNic]:
    """Those on `nodes`; `statuses` (node -> status) lack those of which nothing is known.

    First by instance and index; what runs and is of no instance of Ganeti's comes last.
    """
    running = by_uuid(statuses)
    told = {node: _words(status) for node, status in statuses.items()}
    moved = {node: moved_instances(status) for node, status in statuses.items()}
    about = set(nodes)
    for one in instances:
        for said in one.ours:
            places = running.pop(said.uuid, [])
            for node, nic in places:
                found = _running(node, nic, told[node], said)
                yield found if one.name in moved[node] else _by_ganeti(found, said, nic)
            if not places and one.node in about:
                yield _not_running(one, said, statuses.get(one.node))
    for places in running.values():
        for node, nic in places:
            yield _running(node, nic, told[node])


def _words(status: NodeStatus) -> dict[str, list[str]]:
    """Tap -> what is wrong with its NIC. The subject of such a problem ends with the tap."""
    found: dict[str, list[str]] = {}
    for one in status.problems:
        if one.subject.endswith(")"):
            tap = one.subject[:-1].rpartition("(")[2]
            found.setdefault(tap, []).append(one.words)
    return found


def _running(
    node: str, nic: NicStatus, told: Mapping[str, list[str]], said: NicSettings | None = None
) -> ListedNic:
    return ListedNic(
        instance=nic.instance or (said.instance if said else ""),
        # Ganeti's number now; the node may know the one under which it was plugged.
        index=said.index if said else nic.index,
        uuid=nic.uuid,
        node=node,
        state=str(nic.state),
        mac=nic.mac or (said.mac if said else ""),
        wanted=nic.wanted,
        status=nic,
        problems=tuple(told.get(nic.tap, ())),
    )


def _by_ganeti(listed_nic: ListedNic, said: NicSettings, nic: NicStatus) -> ListedNic:
    """The same with what Ganeti wants of it, where its node goes by something else."""
    wanted, words = untold(said, nic)
    if not words:
        return listed_nic
    state = NicState.DIFFERS if nic.state == NicState.UP else nic.state
    problems = (*listed_nic.problems, words)
    return replace(listed_nic, wanted=wanted, state=str(state), problems=problems)


def _not_running(one: Instance, said: NicSettings, status: NodeStatus | None) -> ListedNic:
    """`status`: of its instance's primary node."""
    why = why_wrong(said)
    problems = (why,) if why else ()
    state = STOPPED
    if status is None or unknown_guests(status):
        state = str(NicState.UNKNOWN)
    elif is_missing(one, status):
        state, problems = MISSING, (*problems, NOT_PLUGGED)
    return ListedNic(
        instance=one.name,
        index=said.index,
        uuid=said.uuid,
        node=one.node,
        state=state,
        mac=said.mac,
        wanted=None if why else wish(said),
        problems=problems,
    )
