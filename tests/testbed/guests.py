"""Guests as a node has them: a real qemu each, and the files that Ganeti 3.0 keeps of it.

A NIC is given as the environment of the network script. Our own handle of each tap is
the guest's end: with it tests send and receive.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from socket import AF_PACKET, SOCK_RAW, socket
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from tests.testbed.namespace import run
from tests.testbed.qemu import QEMU, Qemu, device_id
from tests.testbed.tap import Tap

Nic = dict[str, str]
Script = Callable[[Nic], object]

_FIRST_SLOT = 12  # constants.QEMU_DEFAULT_PCI_RESERVATIONS
_SETTINGS = ("MODE", "LINK", "VLAN", "PORT_TYPE", "MAX_BANDWIDTH", "MAX_BURST")


def nothing(_nic: Nic) -> None:
    """The network script that does nothing."""


class Guests:
    """Ganeti's run directory below `var` (LOCALSTATEDIR).

    `taps` has each instance's taps in the order of its runtime file. Where a method
    takes a `script`, it is called at the moment when Ganeti calls the network script.
    """

    def __init__(self, var: Path) -> None:
        self.var = var
        self.root = var / "run" / "ganeti" / "kvm-hypervisor"
        for name in ("pid", "conf", "nic", "ctrl"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.taps: dict[str, list[Tap]] = {}
        self._qemus: dict[str, Qemu] = {}
        # Ganeti's configuration: the UUIDs of an instance's NICs, by index.
        self._uuids: dict[str, list[str]] = {}

    def start(self, instance: str, *nics: Nic, script: Script = nothing) -> None:
        """A guest with these NICs, their indices in the order in which they are given."""
        entries: list[dict[str, Any]] = []
        for nic in nics:
            entries.append(_serialized(nic, entries))
        command = Qemu.command(instance, self.root)
        self._save(instance, [command, entries, _HVPARAMS, []])
        taps: list[Tap] = []
        try:
            for nic in nics:
                taps.append(Tap(nic["INTERFACE"]))
                _feed(taps[-1])
                script(nic)
            self._qemus[instance] = Qemu(instance, self.root, entries, taps)
        except BaseException:
            for tap in taps:
                tap.close()
            raise
        self.taps[instance] = taps
        self._uuids[instance] = [nic["INTERFACE_UUID"] for nic in nics]
        self._file(instance, 0).parent.mkdir(exist_ok=True)
        for index, nic in enumerate(nics):
            _write(self._file(instance, index), nic["INTERFACE"])

    def stop(self, instance: str, *, crash: bool = False) -> None:
        """qemu ends, and its taps go; after a crash, Ganeti's files stay."""
        self._qemus.pop(instance).end(crash=crash)
        for tap in self.taps.pop(instance):
            tap.close()
        del self._uuids[instance]
        if not crash:
            (self.root / "pid" / instance).unlink(missing_ok=True)
            self._runtime(instance).unlink()
            shutil.rmtree(self.root / "nic" / instance)

    def pid(self, instance: str) -> int:
        """Of its qemu."""
        return self._qemus[instance].pid

    def hot_add(self, instance: str, nic: Nic, script: Script = nothing) -> None:
        """gnt-instance modify --net add --hotplug: the NIC becomes the last one."""
        self._plug(instance, len(self._uuids[instance]), nic, script)
        self._uuids[instance].append(nic["INTERFACE_UUID"])

    def hot_remove(self, instance: str, index: int) -> None:
        """gnt-instance modify --net INDEX:remove --hotplug: later NICs move up by one index.

        NOTE: Ganeti finds the device by its UUID, but removes the file of the index that
        the NIC has now; the files of those that moved keep their names.
        """
        self._unplug(instance, index)
        del self._uuids[instance][index]

    def hot_modify(self, instance: str, index: int, nic: Nic, script: Script = nothing) -> None:
        """gnt-instance modify --net INDEX:modify,… --hotplug: unplugged, and plugged anew.

        `nic` has the UUID that the NIC has; its tap may have another name.
        """
        assert nic["INTERFACE_UUID"] == self._uuids[instance][index]
        hvinfo = self._unplug(instance, index)
        self._plug(instance, index, nic, script, hvinfo)

    def _plug(
        self, instance: str, index: int, nic: Nic, script: Script,
        hvinfo: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """KVMHypervisor.HotAddDevice."""
        runtime = self._load(instance)
        entry = _serialized(nic, runtime[1], hvinfo)
        tap = Tap(nic["INTERFACE"])
        try:
            script(nic)
            self._qemus[instance].add(entry, tap)
            _feed(tap)
            self._qemus[instance].settle()
        except BaseException:
            tap.close()
            raise
        self.taps[instance].append(tap)
        _write(self._file(instance, index), nic["INTERFACE"])
        runtime[1].append(entry)
        self._save(instance, runtime)

    def _unplug(self, instance: str, index: int) -> dict[str, str]:
        """KVMHypervisor.HotDelDevice."""
        runtime = self._load(instance)
        uuids = [entry["uuid"] for entry in runtime[1]]
        position = uuids.index(self._uuids[instance][index])
        entry = runtime[1].pop(position)
        hvinfo: dict[str, str] = entry["hvinfo"]
        self._qemus[instance].remove(hvinfo)
        self.taps[instance].pop(position).close()
        self._file(instance, index).unlink(missing_ok=True)
        self._save(instance, runtime)
        return hvinfo

    def _runtime(self, instance: str) -> Path:
        return self.root / "conf" / f"{instance}.runtime"

    def _file(self, instance: str, index: int) -> Path:
        return self.root / "nic" / instance / str(index)

    def _load(self, instance: str) -> list[Any]:
        runtime: list[Any] = json.loads(self._runtime(instance).read_text())
        return runtime

    def _save(self, instance: str, runtime: list[Any]) -> None:
        _write(self._runtime(instance), json.dumps(runtime) + "\n")

    def forget_records(self) -> None:
        """As on a node where the guests were started before we came."""
        shutil.rmtree(self.var / "run" / "ganeti-ovs")

    def configuration(self, *nics: Nic) -> None:
        """config.data with the instances of these NICs, as a master candidate has it."""
        directory = self.var / "lib" / "ganeti"
        directory.mkdir(parents=True, exist_ok=True)
        instances: dict[str, Any] = {}
        networks: dict[str, Any] = {}
        for nic in nics:
            name = nic["INSTANCE"]
            key = str(uuid5(NAMESPACE_DNS, name))
            entry = instances.setdefault(
                key,
                {"name": name, "nics": [], "uuid": key, "tags": nic.get("TAGS", "").split()},
            )
            network = str(uuid5(NAMESPACE_DNS, nic["INTERFACE_UUID"]))
            entry["nics"].append({"uuid": nic["INTERFACE_UUID"], "network": network})
            tags = nic.get("NETWORK_TAGS", "").split()
            networks[network] = {
                "name": "net", "network": "10.9.0.0/24", "uuid": network, "tags": tags,
            }  # fmt: skip
        data = {"instances": instances, "networks": networks}
        (directory / "config.data").write_text(json.dumps(data, separators=(",", ":")))

    def close(self) -> None:
        for instance in list(self.taps):
            self.stop(instance, crash=True)


_HVPARAMS = {"kvm_path": QEMU, "nic_type": "paravirtual", "disk_type": "paravirtual"}


def _serialized(
    nic: Nic, others: list[dict[str, Any]], hvinfo: dict[str, str] | None = None
) -> dict[str, Any]:
    """As objects.NIC.ToDict writes it, in the first PCI slot that `others` leave free."""
    taken = {int(other["hvinfo"]["addr"], 16) for other in others}
    slot = next(number for number in range(_FIRST_SLOT, 32) if number not in taken)
    name = device_id(nic["INTERFACE_UUID"])
    new = {"driver": "virtio-net-pci", "id": name, "bus": "pci.0", "addr": hex(slot)}
    values = {
        "name": nic.get("INTERFACE_NAME"),
        "mac": nic["MAC"],
        "ip": nic.get("IP"),
        "network": nic.get("NETWORK_UUID"),
        "nicparams": {"vlan": "", **{key.lower(): nic[key] for key in _SETTINGS if key in nic}},
        "netinfo": {"name": "net", "tags": nic.get("NETWORK_TAGS", "").split()},
        "hvinfo": hvinfo or new,
        "uuid": nic["INTERFACE_UUID"],
    }
    return {key: value for key, value in values.items() if value is not None}


def _feed(tap: Tap) -> None:
    """Put a frame into it.

    NOTE: a qemu that stands still takes one frame from each of its taps all the same, and
    no more (tap_send of net/tap.c): it shall be this one, not one that a test waits for.
    """
    up = int(Path(f"/sys/class/net/{tap.name}/flags").read_text(), 16) & 1
    if not up:
        run("ip", "link", "set", tap.name, "up")
    with socket(AF_PACKET, SOCK_RAW) as kernel:
        kernel.bind((tap.name, 0))
        kernel.send(bytes(60))
    if not up:
        run("ip", "link", "set", tap.name, "down")


def _write(path: Path, text: str) -> None:
    """Whole or not at all, as Ganeti's utils.WriteFile."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.rename(new, path)
