"""Which guests' NICs run on this node, and on which tap: Ganeti's own files, and the kernel.

KVM: RUN_DIR/kvm-hypervisor has the instances' pid, their runtime (the NICs as
they were started) and a file per NIC that names the tap. Those files can be
stale; which taps a process really holds, the kernel says in its fdinfo.
Xen: an interface vif<domain>.<index>, and the NIC data that Ganeti wrote.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ganeti_ovs.cluster import records, xen
from ganeti_ovs.cluster.records import run_directory
from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Environment = dict[str, str]


def running_nics(environ: Mapping[str, str], interfaces: set[str]) -> dict[str, Environment]:
    """The NICs of all modes that run here: tap -> environment as for the network script.

    `interfaces` are this node's network interfaces. What Ganeti last told us of
    a NIC (our records) goes before what it was started with.
    """
    known = records.read_all(environ)
    found: dict[str, Environment] = {}
    for nic in _kvm(environ, interfaces, known):
        found[nic["INTERFACE"]] = nic
    for vif in interfaces:
        if vif.startswith("vif") and vif not in found:
            nic_data = _vif(vif, environ, known.get(vif))
            if nic_data:
                found[vif] = nic_data
    return found


def _kvm(
    environ: Mapping[str, str], interfaces: set[str], known: Mapping[str, Environment]
) -> Iterator[Environment]:
    root = run_directory(environ) + "/ganeti/kvm-hypervisor"
    by_process: dict[str, set[str]] = {}
    for instance in _names(f"{root}/pid"):
        pid = _read(f"{root}/pid/{instance}").strip()
        if pid not in by_process:
            by_process[pid] = _taps_of(pid) & interfaces
        held = by_process[pid]
        if not held:
            continue
        started = _started(f"{root}/conf/{instance}.runtime")
        by_file = {
            _read(f"{root}/nic/{instance}/{index}").strip(): index
            for index in _names(f"{root}/nic/{instance}")
            if index.isdigit()
        }
        for tap in held:
            record = known.get(tap)
            if record and record.get("INSTANCE") == instance:
                yield record
            elif tap in by_file and int(by_file[tap]) < len(started):
                index = int(by_file[tap])
                yield _environment(instance, tap, index, started[index])


def _taps_of(pid: str) -> set[str]:
    """The taps that a process holds open (`iff:` in /proc/PID/fdinfo, drivers/net/tun.c)."""
    taps = set()
    if pid.isdigit():
        for number in _names(f"/proc/{pid}/fdinfo"):
            for line in _read(f"/proc/{pid}/fdinfo/{number}").splitlines():
                if line.startswith("iff:"):
                    taps.add(line[4:].strip())
    return taps


def _started(path: str) -> list[dict[str, Any]]:
    """The NICs of a runtime file: (command, NICs, hypervisor parameters, …) as JSON."""
    try:
        nics = json.loads(_read(path))[1]
    except (ValueError, LookupError, TypeError):
        return []
    return [nic for nic in nics if isinstance(nic, dict)] if isinstance(nics, list) else []


def _environment(instance: str, tap: str, index: int, nic: dict[str, Any]) -> Environment:
    params = nic.get("nicparams") or {}
    network = nic.get("netinfo") or {}
    values = {
        "INSTANCE": instance,
        "INTERFACE": tap,
        "INTERFACE_INDEX": str(index),
        "INTERFACE_UUID": nic.get("uuid"),
        "INTERFACE_NAME": nic.get("name"),
        "MAC": nic.get("mac"),
        "MODE": params.get("mode"),
        "LINK": params.get("link"),
        "VLAN": params.get("vlan"),
        "PORT_TYPE": params.get("port_type"),
        "MAX_BANDWIDTH": params.get("max_bandwidth"),
        "MAX_BURST": params.get("max_burst"),
        "NETWORK_TAGS": " ".join(map(str, network.get("tags") or ())),
    }
    return {name: str(value) for name, value in values.items() if value}


def _vif(vif: str, environ: Mapping[str, str], record: Environment | None) -> Environment | None:
    if record:
        return record
    try:
        data = xen.nic_environment(vif, environ)
    except Error:
        return None
    return {name: data[name] for name in records.NIC_VARIABLES if data.get(name)}


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _read(path: str) -> str:
    """The file's text, or nothing: these files come and go with their guests."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
