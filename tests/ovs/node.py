"""A node whose guests come and go: what Ganeti calls for them, and what must be true then."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socket import if_nametoindex
from typing import Any

from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.model import plug
from ganeti_ovs.node import records
from tests.captured import ACCESS
from tests.testbed.guests import Guests, Nic
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.reader import read

Done = subprocess.CompletedProcess[str]

_HOOK_NAMES = {"INTERFACE_UUID": "UUID", "INTERFACE_NAME": "NAME"}
_TOLD = (
    "INTERFACE_UUID", "INTERFACE_NAME", "MAC", "MODE", "LINK", "VLAN", "NETWORK_TAGS",
    "MAX_BANDWIDTH",
)  # fmt: skip


def nic(number: int, tap: str, vlan: int, **changes: str) -> Nic:
    """The only NIC of guest inst<number>.lab."""
    return {
        **ACCESS,
        "INSTANCE": f"inst{number}.lab",
        "INTERFACE": tap,
        "INTERFACE_UUID": f"bdc23741-5995-403d-8ac7-{number:012x}",
        "MAC": f"aa:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        "TAGS": "",
        "VLAN": f".{vlan}",
        **changes,
    }


class Node:
    """`nics` are the NICs of the guests that run, by instance, as Ganeti has them now.

    Calls run in `pool`; guests are started and stopped by the caller's own thread, as a
    qemu ends with the thread that has started it.
    """

    def __init__(self, ovs: OpenVSwitch, product: Product) -> None:
        self.ovs, self.product = ovs, product
        self.guests = Guests(Path(ovs.environ["LOCALSTATEDIR"]))
        self.nics: dict[str, Nic] = {}
        self.pool = ThreadPoolExecutor(8)

    def close(self) -> None:
        self.pool.shutdown()
        self.guests.close()

    def start(self, nic: Nic, held_back: float = 0.0) -> None:
        """Its network script, and `held_back` seconds later qemu."""

        def script(_nic: Nic) -> None:
            self.up(nic)
            time.sleep(held_back)

        self.guests.start(nic["INSTANCE"], nic, script=script)
        self.nics[nic["INSTANCE"]] = nic

    def stop(self, instance: str, *, crash: bool = False) -> Nic:
        self.guests.stop(instance, crash=crash)
        return self.nics.pop(instance)

    def up(self, nic: Nic) -> None:
        good(self.product.run({**nic, **self.ovs.environ}))

    def reconcile(self) -> Done:
        return self.product.run(self.ovs.environ, self.product.gnt_ovs, "reconcile")

    def watcher(self) -> Done:
        hook = self.product.etc / "ganeti/hooks/watcher/50-ovs"
        return self.product.run(self.ovs.environ, hook)

    def hook(self, event: str, nic: Nic) -> Done:
        """50-ovs after `event` ("instance-stop"), told of the guest with this NIC."""
        path = self.product.etc / "ganeti" / "hooks" / f"{event}-post.d" / "50-ovs"
        return self.product.run({**self.ovs.environ, **told(event, nic)}, path)

    def later(self, seconds: float, call: Any, *arguments: Any) -> Future[Done]:
        """`call` begins `seconds` from now."""

        def run() -> Done:
            time.sleep(seconds)
            done: Done = call(*arguments)
            return done

        return self.pool.submit(run)

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """ovs-vswitchd stands still for the first `seconds` of the block; 0: not at all."""
        self.ovs.freeze_vswitchd(seconds > 0)
        thaw = self.pool.submit(self._thaw, seconds)
        try:
            yield
        finally:
            thaw.result()

    def _thaw(self, seconds: float) -> None:
        time.sleep(seconds)
        self.ovs.freeze_vswitchd(False)

    def check(self, *, others: bool = False) -> None:
        """Every running guest has its port, and its record; with `others`, there may be more."""
        more = self.check_ports()
        for one in self.nics.values():
            tap = one["INTERFACE"]
            record = records.read(runtime(self.ovs.environ), tap)
            assert record is not None, f"{tap} has no record"
            assert record.plug.ifindex == if_nametoindex(tap), f"{tap}: {record}"
            says = record.nic.instance, record.nic.vlan
            assert says == (one["INSTANCE"], one["VLAN"]), f"{tap}: {record}, not {one}"
        if not others:
            files = set(record_files(self.ovs)) ^ {one["INTERFACE"] for one in self.nics.values()}
            assert not more and not files, f"too many ports {more}; records {files}"

    def check_ports(self) -> list[str]:
        """Every running guest has its port; the taps of the other ports that there are."""
        found = ports(self.ovs)
        for one in self.nics.values():
            tap = one["INTERFACE"]
            assert tap in found, f"{tap} of {one['INSTANCE']} has lost its port"
            port = found.pop(tap)
            assert port == expected(one), f"{tap}: {port}, not {expected(one)}"
        return sorted(found)

    def settle(self) -> None:
        """One reconcile makes it right, and the next has nothing to do."""
        first = good(self.reconcile())
        try:
            self.check()
        except AssertionError as err:
            err.add_note(f"reconcile said {first.stdout!r} {first.stderr!r}")
            raise
        done = good(self.reconcile()).stdout
        assert done == "nothing to do\n", done


def told(event: str, nic: Nic) -> dict[str, str]:
    """The environment of the hook after `event`."""
    prefix = "GANETI_POST_INSTANCE" if event == "instance-modify" else "GANETI_INSTANCE"
    values = {f"NIC0_{_HOOK_NAMES.get(name, name)}": nic[name] for name in _TOLD if name in nic}
    values |= {"NAME": nic["INSTANCE"], "TAGS": nic["TAGS"], "NIC_COUNT": "1"}
    return {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "GANETI_HOOKS_PATH": event,
        "GANETI_HOOKS_PHASE": "post",
        **{f"{prefix}_{name}": value for name, value in values.items()},
    }


def ports(ovs: OpenVSwitch) -> dict[str, dict[str, Any]]:
    """What Open vSwitch has under our mark, by tap; `bound` is what ovs-vswitchd makes of it."""
    tables = read(str(ovs.socket))
    marked = {
        row["_uuid"]: row
        for row in tables["Interface"]
        if row["external_ids"].get("ganeti-ovs") == "1"
    }
    bridges = {port: row["name"] for row in tables["Bridge"] for port in row["ports"]}
    found = {}
    for port in tables["Port"]:
        for row in (marked[uuid] for uuid in port["interfaces"] if uuid in marked):
            made = plug.parse_plug(row["external_ids"].get(plug.KEY, ""))
            found[row["name"]] = {
                "switch": bridges[port["_uuid"]],
                "tag": port["tag"],
                "uuid": row["external_ids"]["iface-id"],
                "ifindex": made.ifindex if made else None,
                "bound": row["ofport"] != [] and row["ofport"][0] > 0 and row["error"] == [],
                "limited": port["qos"] != [],
            }
    return found


def expected(nic: Nic) -> dict[str, Any]:
    """The port of a NIC whose tap is there now."""
    return {
        "switch": nic["LINK"],
        "tag": [int(nic["VLAN"][1:])],
        "uuid": nic["INTERFACE_UUID"],
        "ifindex": if_nametoindex(nic["INTERFACE"]),
        "bound": True,
        "limited": "max_bandwidth" in nic["TAGS"],
    }


def record_files(ovs: OpenVSwitch) -> list[str]:
    """All that stands where records are kept."""
    try:
        return os.listdir(f"{ovs.environ['LOCALSTATEDIR']}/run/ganeti-ovs/nic")
    except FileNotFoundError:
        return []


def good(done: Done) -> Done:
    """It ended well, and had nothing to complain of but what the datapath of tests cannot do."""
    said = [line for line in done.stderr.splitlines() if "which cannot police" not in line]
    assert (done.returncode, said) == (0, []), f"{done.args}: {done.returncode}, {said}"
    return done
