"""Guests as Ganeti's files and the kernel show them, with this process in the place of qemu.

The taps are real and this process really holds them, so /proc/PID/fdinfo says of
it what it would say of qemu.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from tests.testbed.tap import Tap


class Guests:
    """Ganeti's run directory below `var` (LOCALSTATEDIR)."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.root = var / "run" / "ganeti" / "kvm-hypervisor"
        for name in ("pid", "conf", "nic"):
            (self.root / name).mkdir(parents=True)
        self.taps: dict[str, list[Tap]] = {}

    def start(self, instance: str, *nics: dict[str, str]) -> None:
        """A guest with these NICs: environments of the network script."""
        self.taps[instance] = [Tap(nic["INTERFACE"]) for nic in nics]
        (self.root / "pid" / instance).write_text(f"{os.getpid()}\n")
        files = self.root / "nic" / instance
        files.mkdir()
        for index, nic in enumerate(nics):
            (files / str(index)).write_text(nic["INTERFACE"])
        runtime = ["qemu", [_serialized(nic) for nic in nics], {}, []]
        (self.root / "conf" / f"{instance}.runtime").write_text(json.dumps(runtime))

    def stop(self, instance: str, *, crash: bool = False) -> None:
        """Its taps go; after a crash, Ganeti's files stay."""
        for tap in self.taps.pop(instance):
            tap.close()
        if not crash:
            (self.root / "pid" / instance).unlink()
            (self.root / "conf" / f"{instance}.runtime").unlink()
            shutil.rmtree(self.root / "nic" / instance)

    def forget_records(self) -> None:
        """As on a node where the guests were started before we came."""
        shutil.rmtree(self.var / "run" / "ganeti-ovs")

    def configuration(self, *nics: dict[str, str]) -> None:
        """config.data with the instances of these NICs, as a master candidate has it."""
        directory = self.var / "lib" / "ganeti"
        directory.mkdir(parents=True, exist_ok=True)
        instances: dict[str, Any] = {}
        networks: dict[str, Any] = {}
        for nic in nics:
            name = nic["INSTANCE"]
            entry = instances.setdefault(
                f"uuid-of-{name}", {"name": name, "tags": nic.get("TAGS", "").split(), "nics": []}
            )
            network = f"network-of-{nic['INTERFACE_UUID']}"
            entry["nics"].append({"uuid": nic["INTERFACE_UUID"], "network": network})
            tags = nic.get("NETWORK_TAGS", "").split()
            networks[network] = {"uuid": network, "name": "net", "tags": tags}
        data = {"instances": instances, "networks": networks}
        (directory / "config.data").write_text(json.dumps(data))

    def close(self) -> None:
        for instance in list(self.taps):
            self.stop(instance, crash=True)


def _serialized(nic: dict[str, str]) -> dict[str, Any]:
    """As objects.NIC.ToDict writes it."""
    return {
        "mac": nic["MAC"],
        "uuid": nic["INTERFACE_UUID"],
        "name": nic.get("INTERFACE_NAME"),
        "nicparams": {"mode": nic["MODE"], "link": nic["LINK"], "vlan": nic.get("VLAN", "")},
        "network": None,
        "netinfo": {"name": "net", "tags": nic.get("NETWORK_TAGS", "").split()},
    }
