"""One look at this node: what Open vSwitch has, what runs here, what Ganeti says of it.

The database first, the kernel after it: a port that is there had its interface at that moment,
so an interface that is missing later has gone, and is not one that is still to come.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import NicSettings, nic_of, where
from ganeti_ovs.cluster.moved import keep_index, kept
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.plug import parse_plug
from ganeti_ovs.node import records
from ganeti_ovs.node.running import Running, running_nics, whose
from ganeti_ovs.node.seen import Seen, Trouble
from ganeti_ovs.ovsdb.live import read_snapshot
from ganeti_ovs.plan.portsplan import DesiredPorts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.cluster.configuration import Tags
    from ganeti_ovs.cluster.qemu import Monitors
    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.plug import Plug
    from ganeti_ovs.model.snapshot import Live, Snapshot
    from ganeti_ovs.ovsdb.client import Client

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


_PARAMETERS = ("port_type", "max_bandwidth", "max_burst")
"""Fields of NicSettings that only a Ganeti with `patches/` says."""


def look(
    client: Client,
    here: Runtime,
    news: Mapping[str, NicSettings],
    busy: Iterable[str] = (),
    monitors: Monitors | None = None,
    *,
    whole: bool = True,
    snapshot: Snapshot | None = None,
) -> Seen:
    """Look at everything. `news`: NICs (by UUID) as Ganeti has just said they are.

    `busy` are taps that somebody else goes on working at, and that are left out. `monitors`
    keeps what guests have answered at an earlier look. `whole`: False if Ganeti says nothing
    of the NIC parameters of `patches/`; they stay as they are known. `snapshot`: what the
    database has, if that has just been read.
    """
    if snapshot is None:
        snapshot = read_snapshot(client)
    numbers = interfaces()
    plugs = {name: records.plug_now(index) for name, index in numbers.items()}
    view = _Look(snapshot, plugs, here, news, whole)
    running = running_nics(here, numbers, monitors)
    for tap in sorted(busy):
        running.pop(tap, None)
        view.kept[tap] = ""
        words = f"another call for {tap} does not end; it is left out"
        view.troubles.append(Trouble("busy", tap, "", words))
    for one in running.values():
        try:
            view.see(one)
        except BadInput as err:
            view.kept[one.tap] = ""
            nic = one.nic or NicSettings()
            view.troubles.append(
                Trouble("nic-wrong", one.tap, where(nic.but(tap=one.tap)), str(err))
            )
    for nics in view.moved.values():
        view.troubles.append(Trouble("index-moved", nics[0].tap, "", kept(_by_index(nics))))
    desired = DesiredPorts(view.nics, plugs, frozenset(view.others), view.kept, frozenset(busy))
    return Seen(snapshot, desired, view.unwritten, tuple(view.troubles), running)


class _Look:
    def __init__(
        self,
        snapshot: Snapshot,
        plugs: Mapping[str, Plug],
        here: Runtime,
        news: Mapping[str, NicSettings],
        whole: bool,
    ) -> None:
        self.snapshot, self.plugs, self.here, self.news = snapshot, plugs, here, news
        self.whole = whole
        self.nics: dict[str, Nic] = {}
        self.others: set[str] = set()
        self.kept: dict[str, str] = {}
        self.unwritten: dict[str, NicSettings] = {}
        self.moved: dict[str, list[NicSettings]] = {}
        """Guests' NICs whose tags by index mean another NIC by now."""
        self.troubles: list[Trouble] = []

    @cached_property
    def tags(self) -> Tags:
        """Ganeti's configuration; most looks need none."""
        from ganeti_ovs.cluster.configuration import Tags

        return Tags(self.here)

    def see(self, one: Running) -> None:
        """What is desired for a tap that a guest holds. Raises BadInput."""
        tap, nic = one.tap, one.nic
        if nic is None:
            self.kept[tap] = ""
            words = f"{one.unknown}; {_UNKNOWN.format(one.instance)}"
            self.troubles.append(Trouble("nic-unknown", tap, whose(one), words))
            return
        if nic.mode != "openvswitch":
            # A running tap keeps its mode until the guest is started anew.
            self.others.add(tap)
            return
        if nic.down:
            self.kept[tap] = _DOWN
            return
        live, now = self.snapshot.live.get(tap), self.plugs[tap]
        recorded = one.recorded if _holds(one.recorded, live) else None
        told = self.news.get(nic.uuid)
        if told is not None and told.mode == "openvswitch":
            # A MAC that is changed without hot-plug is the guest's from its next start on.
            current = told.but(tap=tap, mac=nic.mac or told.mac)
            if not self.whole:
                current = current.but(**{name: getattr(nic, name) for name in _PARAMETERS})
        elif recorded is None and _is_its_own(live, nic, now):
            self.kept[tap] = _NO_RECORD
            return
        elif (
            one.recorded is None
            and (live is None or live.found.marked)
            and not self._is_known(one.instance)
        ):
            self.kept[tap] = ""
            self.troubles.append(Trouble("tags-unknown", tap, where(nic), _NO_TAGS))
            return
        else:
            current = self.tags.refresh(nic)
        current = keep_index(current, nic.tags_index)
        moved = bool(current.tags_index)
        if not moved and (told or nic.tags_index or self._is_known(one.instance)):
            # Ganeti's own word; its scripts may have been told a position in a list.
            current = current.but(tags_index=current.index)
        said = _sorted(current)
        plug = recorded if recorded is not None and said == _sorted(nic) else now
        self.nics[tap] = nic_of(current).plugged(plug.text())
        if plug is now and (told or one.recorded or self._is_known(one.instance)):
            # A port of stock Ganeti's becomes ours without tags, but no record says so for good.
            self.unwritten[tap] = said
        if moved:
            self.moved.setdefault(one.instance, []).append(current)

    def _is_known(self, instance: str) -> bool:
        """True if Ganeti's configuration is on this node and has it; asked only when it counts."""
        return self.tags.indices(instance) is not None


def _sorted(nic: NicSettings) -> NicSettings:
    """The same with its tags in order; Ganeti gives them in any."""
    tags, network_tags = (" ".join(sorted(text.split())) for text in (nic.tags, nic.network_tags))
    return nic.but(tags=tags, network_tags=network_tags)


def _holds(recorded: Plug | None, live: Live | None) -> bool:
    """False if the port has been changed since to what no record could be written of."""
    made = parse_plug(live.found.plug) if live is not None else None
    if recorded is None or made is None:
        return recorded is not None
    return not (made.same(recorded) and made.time > recorded.time)


def _is_its_own(live: Live | None, nic: NicSettings, now: Plug) -> bool:
    """True if the port was made by us for this very NIC, and for no former plug of it."""
    if live is None or not live.found.marked:
        return False
    made = parse_plug(live.found.plug)
    return live.found.iface_id == nic.uuid and (made is None or made.same(now))


def _by_index(nics: list[NicSettings]) -> list[NicSettings]:
    return sorted(nics, key=lambda nic: int(nic.index))
