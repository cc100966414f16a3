"""All NICs of mode openvswitch: what Ganeti has, beside what nodes say of those that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.inventory import Instance, wanted_nic
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.status import NicState, NicStatus, NodeStatus, PortSettings
from ganeti_ovs.plan.nicstatus import wanted_settings

STOPPED = "stopped"
"""The state of a NIC whose guest does not run on the node that was asked."""


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
    running = _by_uuid(statuses)
    told = {node: _words(status) for node, status in statuses.items()}
    about = set(nodes)
    for one in instances:
        for said in one.ours:
            places = running.pop(said.uuid, [])
            for node, nic in places:
                yield _running(node, nic, told[node], said)
            if not places and one.node in about:
                yield _not_running(one, said, known=one.node in statuses)
    for places in running.values():
        for node, nic in places:
            yield _running(node, nic, told[node])


def _by_uuid(statuses: Mapping[str, NodeStatus]) -> dict[str, list[tuple[str, NicStatus]]]:
    """UUID, or where there is none the tap, -> where it runs."""
    found: dict[str, list[tuple[str, NicStatus]]] = {}
    for node, status in sorted(statuses.items()):
        for nic in status.nics:
            found.setdefault(nic.uuid or f"{node} {nic.tap}", []).append((node, nic))
    return found


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


def _not_running(one: Instance, said: NicSettings, *, known: bool) -> ListedNic:
    wanted: PortSettings | None = None
    problems: tuple[str, ...] = ()
    try:
        wanted = wanted_settings(wanted_nic(said))
    except BadInput as err:
        problems = (str(err),)
    return ListedNic(
        instance=one.name,
        index=said.index,
        uuid=said.uuid,
        node=one.node,
        state=STOPPED if known else str(NicState.UNKNOWN),
        mac=said.mac,
        wanted=wanted,
        problems=problems,
    )
