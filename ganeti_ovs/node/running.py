"""Which guests' NICs run on this node, and on which tap.

Each is known by what identifies it. A tap's record, if it is of the plug that the tap has now
and of the guest that holds the tap, says all. Without one, KVM's guests are asked: the kernel
says which taps a process holds, qemu which netdev has which, the netdev's ID begins the NIC's
UUID, and Ganeti's runtime file has the NIC with that UUID as it was started. Positions and
numbers of files say nothing: hot-plugging mixes them up. What cannot be known is said so.
Xen: an interface vif<domain>.<index>, and the NIC data that Ganeti wrote.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganeti_ovs.cluster import files, qemu, xen
from ganeti_ovs.cluster.environment import NicSettings, said_in
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.errors import BadInput, Error, quoted
from ganeti_ovs.model.names import instance_name
from ganeti_ovs.node import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.plug import Plug
    from ganeti_ovs.node.records import Record


_PARAMETERS = ("mode", "link", "vlan", "port_type", "max_bandwidth", "max_burst")
"""Of a NIC's nicparams; they have the names of the fields of NicSettings."""


@dataclass(frozen=True)
class Running:
    """A tap that a guest holds."""

    instance: str
    tap: str
    nic: NicSettings | None = None
    """What Ganeti has said of it; None if it is not known which NIC it is."""
    recorded: Plug | None = None
    """The plug in its record, if what is known is from there."""
    unknown: str = ""
    """Why it is not known which NIC it is, in words."""


def running_nics(
    here: Runtime,
    interfaces: Mapping[str, int],
    monitors: qemu.Monitors | None = None,
) -> dict[str, Running]:
    """The NICs of all modes that run here, by tap; `interfaces`: name -> number (ifindex).

    `monitors` keeps what guests have answered, for who looks several times.
    """
    monitors = monitors or qemu.Monitors()
    known = {
        tap: record
        for tap, record in records.read_all(here).items()
        if tap in interfaces and record.plug.same(records.plug_now(interfaces[tap]))
    }
    found = {one.tap: one for one in _kvm(here, interfaces, known, monitors)}
    for vif in interfaces:
        if vif.startswith("vif") and vif not in found:
            nic = _vif(vif, here, known.get(vif))
            if nic is not None:
                found[vif] = nic
    return found


def running_taps(here: Runtime) -> dict[str, str]:
    """The interfaces of the guests that run here, by tap, each with its instance: whose they are,
    and not which NIC. Asks the kernel alone, and no guest.
    """
    root, there = here.run + "/ganeti/kvm-hypervisor", interfaces()
    found: dict[str, str] = {}
    for instance in _names(f"{root}/pid"):
        with suppress(BadInput):
            instance_name(instance)
            held = qemu.taps_of(_read(f"{root}/pid/{instance}").strip(), instance)
            found |= {tap: instance for tap in held.values() if tap in there}
    for vif in there:
        nic = _vif(vif, here, None) if vif.startswith("vif") else None
        if nic is not None:
            found.setdefault(vif, nic.instance)
    return found


def _kvm(
    here: Runtime,
    interfaces: Mapping[str, int],
    known: Mapping[str, Record],
    monitors: qemu.Monitors,
) -> Iterator[Running]:
    root = here.run + "/ganeti/kvm-hypervisor"
    for instance in _names(f"{root}/pid"):
        try:
            instance_name(instance)
        except BadInput:
            continue
        held = qemu.taps_of(_read(f"{root}/pid/{instance}").strip(), instance)
        held = {number: tap for number, tap in held.items() if tap in interfaces}
        asked = None
        for tap in sorted(set(held.values())):
            record = known.get(tap)
            if record is not None and record.nic.instance == instance:
                yield Running(instance, tap, record.nic, record.plug)
                continue
            if asked is None:
                plugged = {number: (tap, interfaces[tap]) for number, tap in held.items()}
                netdevs = monitors.netdevs(f"{root}/ctrl/{instance}.monitor", plugged)
                asked = _Pairing(root, instance, held, known, netdevs)
            yield asked.of(tap)


class _Pairing:
    """Which NIC has which tap of a guest, for taps without a record."""

    def __init__(
        self,
        root: str,
        instance: str,
        held: Mapping[int, str],
        known: Mapping[str, Record],
        netdevs: Mapping[int, str],
    ) -> None:
        self._root, self._instance = root, instance
        self._nics = _started(f"{root}/conf/{instance}.runtime")
        ids: dict[str, set[str]] = {tap: set() for tap in held.values()}
        for number, name in netdevs.items():
            if number in held:
                ids[held[number]].add(name)
        self._uuids = {tap: self._uuid(names) for tap, names in ids.items()}
        for tap in ids:
            record = known.get(tap)
            if record is not None and record.nic.instance == instance:
                self._uuids[tap] = record.nic.uuid
        self._leave_over()

    def _uuid(self, names: set[str]) -> str:
        """Of the NIC whose device has this ID: nic-<its UUID up to the third dash> (hv_kvm)."""
        if len(names) != 1:
            return ""
        (name,) = names
        begin = name[len("nic-") :] if name.startswith("nic-") else ""
        fits = [
            str(nic["uuid"])
            for nic in self._nics
            if len(begin) >= 8 and str(nic["uuid"]).startswith(begin)
        ]
        return fits[0] if len(fits) == 1 else ""

    def _leave_over(self) -> None:
        """The only tap that is left is the only NIC's that is left."""
        taps = [tap for tap, uuid in self._uuids.items() if not uuid]
        rest = {str(nic["uuid"]) for nic in self._nics} - {*self._uuids.values()}
        if len(taps) == len(rest) == 1 and len(self._uuids) == len(self._nics):
            self._uuids[taps[0]] = rest.pop()

    def of(self, tap: str) -> Running:
        """What is known of the NIC on `tap`."""
        fits = [nic for nic in self._nics if nic["uuid"] == self._uuids[tap] != ""]
        if len(fits) != 1:
            return Running(self._instance, tap, unknown="neither qemu nor Ganeti's files say which")
        indices = [
            index
            for index in _names(f"{self._root}/nic/{self._instance}")
            if index.isdigit()
            and _read(f"{self._root}/nic/{self._instance}/{index}").strip() == tap
        ]
        index = indices[0] if len(indices) == 1 else ""
        return Running(self._instance, tap, _settings(self._instance, tap, index, fits[0]))


def _started(path: str) -> list[dict[str, Any]]:
    """The NICs of a runtime file: (command, NICs, hypervisor parameters, …) as JSON."""
    import json  # Few are read, and hooks count every millisecond.

    try:
        nics = json.loads(_read(path))[1]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    if not isinstance(nics, list):
        return []
    return [nic for nic in nics if isinstance(nic, dict) and isinstance(nic.get("uuid"), str)]


def _settings(instance: str, tap: str, index: str, nic: Mapping[str, Any]) -> NicSettings:
    params, network = _mapping(nic.get("nicparams")), _mapping(nic.get("netinfo"))
    tags = network.get("tags")
    values = {
        **{field: nic.get(field) for field in ("uuid", "name", "mac")},
        **{field: params.get(field) for field in _PARAMETERS},
        "network_tags": " ".join(map(str, tags)) if isinstance(tags, list) else "",
    }
    said = {field: str(value) for field, value in values.items() if value}
    return NicSettings(instance=instance, tap=tap, index=index, **said)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _vif(vif: str, here: Runtime, record: Record | None) -> Running | None:
    if record is not None:
        return Running(record.nic.instance, vif, record.nic, record.plug)
    try:
        nic = said_in(xen.nic_variables(vif, here.run))
    except Error:
        return None
    return Running(nic.instance, vif, nic)


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def whose(one: Running) -> str:
    """The tap and its guest, for people."""
    return f"{one.tap} ({quoted(one.instance)[1:-1]})"


def _read(path: str) -> str:
    """The file's text, or nothing: these files come and go with their guests."""
    return files.read(path) or ""
