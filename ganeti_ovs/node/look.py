"""One look at this node: what Open vSwitch has, what runs here, what Ganeti says of it.

The database first, the kernel after it: a port that is there had its interface at that moment,
so an interface that is missing later has gone, and is not one that is still to come.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.environment import nic_from_environment, where
from ganeti_ovs.cluster.moved import keep_index, kept
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.plug import parse_plug
from ganeti_ovs.node import records
from ganeti_ovs.node.running import Running, running_nics, whose
from ganeti_ovs.ovsdb.live import read_snapshot
from ganeti_ovs.plan.reconcile import Desired, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.cluster.qemu import Monitors
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.plug import Plug
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.plan.change import Live

    Environment = dict[str, str]

_NO_RECORD = (
    "there is no record of its settings, so it stays as it is until the NIC is modified or its"
    " guest is restarted or migrated"
)
_NO_TAGS = (
    "there is no record of its settings, and this node has no copy of Ganeti's configuration, so"
    " its tags are not known: it gets no port until the NIC is modified or its guest is"
    " restarted or migrated"
)
_DOWN = "Ganeti has taken it down"
_UNKNOWN = "it stays as it is; restart {}, or hot-plug the NIC anew (gnt-instance modify --hotplug)"


@dataclass(frozen=True)
class View:
    """What was seen."""

    snapshot: Snapshot
    desired: Desired
    unwritten: Mapping[str, Environment]
    """Taps whose records do not say (yet) what is desired -> what they are to say."""
    problems: tuple[str, ...]

    def recorded(self, environ: Mapping[str, str]) -> View:
        """The same after the records have been written; ports tell of those that could not be."""
        problems, unrecorded = [*self.problems], set()
        for tap, nic in self.unwritten.items():
            plug = parse_plug(self.desired.nics[tap].plug)
            try:
                if plug is not None:
                    records.write(environ, nic, plug)
            except OSError as err:
                unrecorded.add(tap)
                why = err.strerror or str(err)
                problems.append(
                    f"{where(nic)}: its settings could not be kept: {why};"
                    " gnt-ovs reconcile will not know them"
                )
        desired = replace(self.desired, unrecorded=frozenset(unrecorded))
        return replace(self, desired=desired, problems=tuple(problems))


def look(
    client: Client,
    environ: Mapping[str, str],
    news: Mapping[str, Environment],
    busy: Iterable[str] = (),
    monitors: Monitors | None = None,
) -> View:
    """Look at everything. `news`: NICs (UUID -> environment) as Ganeti has just said they are.

    `busy` are taps that somebody else goes on working at, and that are left out. `monitors`
    keeps what guests have answered at an earlier look.
    """
    snapshot = read_snapshot(client)
    interfaces = {name: index for index, name in socket.if_nameindex()}
    plugs = {name: records.plug_now(index) for name, index in interfaces.items()}
    view = _Look(snapshot, plugs, Tags(environ), news)
    running = running_nics(environ, interfaces, monitors)
    for tap in sorted(busy):
        running.pop(tap, None)
        view.kept[tap] = ""
        view.problems.append(f"{tap}: another call for it does not end; it is left out")
    for one in running.values():
        try:
            view.see(one)
        except BadInput as err:
            view.kept[one.tap] = ""
            view.problems.append(f"{where({**one.nic, 'INTERFACE': one.tap})}: {err}")
    view.problems += [kept(_by_index(nics)) for nics in view.moved.values()]
    desired = Desired(view.nics, plugs, frozenset(view.others), view.kept, frozenset(busy))
    return View(snapshot, desired, view.unwritten, tuple(view.problems))


class _Look:
    def __init__(
        self,
        snapshot: Snapshot,
        plugs: Mapping[str, Plug],
        tags: Tags,
        news: Mapping[str, Environment],
    ) -> None:
        self.snapshot, self.plugs, self.tags, self.news = snapshot, plugs, tags, news
        self.nics: dict[str, Nic] = {}
        self.others: set[str] = set()
        self.kept: dict[str, str] = {}
        self.unwritten: dict[str, Environment] = {}
        self.moved: dict[str, list[Environment]] = {}
        """Guests' NICs whose tags by index mean another NIC by now."""
        self.problems: list[str] = []

    def see(self, one: Running) -> None:
        """What is desired for a tap that a guest holds. Raises BadInput."""
        tap = one.tap
        if not one.nic:
            self.kept[tap] = ""
            self.problems.append(f"{whose(one)}: {one.unknown}; {_UNKNOWN.format(one.instance)}")
            return
        if one.nic.get("MODE") != "openvswitch":
            # A running tap keeps its mode until the guest is started anew.
            self.others.add(tap)
            return
        if one.nic.get("DOWN"):
            self.kept[tap] = _DOWN
            return
        live, now = self.snapshot.live.get(tap), self.plugs[tap]
        recorded = one.recorded if _holds(one.recorded, live) else None
        told = self.news.get(one.nic.get("INTERFACE_UUID", ""), {})
        known = self.tags.indices(one.instance) is not None
        if told.get("MODE") == "openvswitch":
            current = {**told, "INTERFACE": tap}
        elif recorded is None and _is_its_own(live, one.nic, now):
            self.kept[tap] = _NO_RECORD
            return
        elif one.recorded is None and not known and (live is None or live.found.marked):
            self.kept[tap] = ""
            self.problems.append(f"{where(one.nic)}: {_NO_TAGS}")
            return
        else:
            current = self.tags.refresh(one.nic)
        confirmed = one.nic.get("TAGS_INDEX", "")
        moved = keep_index(current, confirmed)
        if told or confirmed or known:
            # Ganeti's own word; its scripts may have been told a position in a list.
            current.setdefault("TAGS_INDEX", current.get("INTERFACE_INDEX", ""))
        said = _variables(current)
        plug = recorded if recorded is not None and said == _variables(one.nic) else now
        self.nics[tap] = nic_from_environment(current).plugged(plug.text())
        if plug is now and (told or one.recorded or known):
            # A port of stock Ganeti's becomes ours without tags, but no record says so for good.
            self.unwritten[tap] = said
        if moved:
            self.moved.setdefault(one.instance, []).append(current)


def _variables(nic: Mapping[str, str]) -> Environment:
    """What a record has of it; Ganeti gives tags in any order."""
    said = {name: nic[name] for name in records.NIC_VARIABLES if nic.get(name)}
    for name in ("TAGS", "NETWORK_TAGS"):
        if name in said:
            said[name] = " ".join(sorted(said[name].split()))
    return said


def _holds(recorded: Plug | None, live: Live | None) -> bool:
    """False if the port has been changed since to what no record could be written of."""
    made = parse_plug(live.found.plug) if live is not None else None
    if recorded is None or made is None:
        return recorded is not None
    return not (made.same(recorded) and made.time > recorded.time)


def _is_its_own(live: Live | None, nic: Mapping[str, str], now: Plug) -> bool:
    """True if the port was made by us for this very NIC, and for no former plug of it."""
    if live is None or not live.found.marked:
        return False
    made = parse_plug(live.found.plug)
    return live.found.iface_id == nic.get("INTERFACE_UUID") and (made is None or made.same(now))


def _by_index(nics: list[Environment]) -> list[Environment]:
    return sorted(nics, key=lambda nic: int(nic["INTERFACE_INDEX"]))
