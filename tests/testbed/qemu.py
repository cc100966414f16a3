"""A real qemu without a guest system: started as Ganeti 3.0 starts it, and never set going.

It holds its taps and answers its monitors, and can be hot-plugged. As its processor
stands still it reads nothing from the taps, so tests can be the guest's end
(but one frame: see tests.testbed.guests).
"""

from __future__ import annotations

import array
import json
import subprocess
from pathlib import Path
from socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

from tests.testbed.openvswitch import wait_until
from tests.testbed.tap import Tap

QEMU = "/usr/bin/qemu-system-x86_64"
_LIMIT = 10.0
_EJECT = 0xAE08  # the register by which a guest lets go of a PCI device (qemu's acpi_pci_hotplug)


def device_id(uuid: str) -> str:
    """Of the NIC with this UUID (_GenerateDeviceKVMId)."""
    return "nic-" + uuid.rsplit("-", 2)[0]


class Qemu:
    """Started by the constructor; ended by `end`, and with the process that started it."""

    def __init__(self, instance: str, root: Path, nics: list[dict[str, Any]], taps: list[Tap]):
        """`root` is Ganeti's RUN_DIR/kvm-hypervisor, `nics` are as in its runtime files.

        Raises RuntimeError with qemu's own words.
        """
        self._control = root / "ctrl" / instance
        pid_file = root / "pid" / instance
        network = []
        for nic, tap in zip(nics, taps):
            name = nic["hvinfo"]["id"]
            place = ",".join(f"{key}={nic['hvinfo'][key]}" for key in ("id", "bus", "addr"))
            network += ["-netdev", f"type=tap,id={name},fd={tap.fileno()}", "-device"]
            network += [f"{nic['hvinfo']['driver']},{place},netdev={name},mac={nic['mac']}"]
        log = Path(f"{self._control}.log")
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command(instance, root), *network,
                 "-qmp", f"unix:{self._control}.qmp,server,nowait",
                 "-qmp", f"unix:{self._control}.kvmd,server,nowait", "-S"],
                pass_fds=[tap.fileno() for tap in taps],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
            )  # fmt: skip
        self.pid = self._process.pid

        def ready() -> bool:
            if self._process.poll() is not None:
                raise RuntimeError(f"qemu of {instance}: {log.read_text()}")
            with socket(AF_UNIX, SOCK_STREAM) as client:
                return pid_file.exists() and not client.connect_ex(f"{self._control}.qmp")

        wait_until(ready, f"qemu of {instance}", _LIMIT)
        self.settle()

    @staticmethod
    def command(instance: str, root: Path) -> list[str]:
        """What Ganeti keeps in the runtime file: all but the network.

        Without -daemonize, so that it ends with us. -accel and -qtest stand where
        the hypervisor parameter kvm_extra has its place.
        """
        control = root / "ctrl" / instance
        return [
            QEMU, "-name", instance, "-m", "16", "-smp", "1",
            "-pidfile", str(root / "pid" / instance), "-device", "virtio-balloon",
            "-machine", "pc", "-monitor", f"unix:{control}.monitor,server,nowait",
            "-serial", "none", "-usb", "-display", "none",
            "-accel", "tcg", "-qtest", f"unix:{control}.qtest,server,nowait",
            "-qtest-log", "/dev/null",
        ]  # fmt: skip

    def add(self, nic: dict[str, Any], tap: Tap) -> None:
        """Hot-plug it (QmpConnection.HotAddNic)."""
        name, handle = nic["hvinfo"]["id"], nic["hvinfo"]["id"] + "-0"
        with _Monitor(f"{self._control}.qmp") as monitor:
            monitor.ask("getfd", tap.fileno(), fdname=handle)
            monitor.ask("netdev_add", type="tap", id=name, fds=handle)
            monitor.ask("device_add", netdev=name, mac=nic["mac"], **nic["hvinfo"])

    def remove(self, hvinfo: dict[str, str]) -> None:
        """Hot-unplug it (QmpConnection.HotDelNic), in place of a guest that lets it go."""
        with _Monitor(f"{self._control}.qmp") as monitor:
            monitor.ask("device_del", id=hvinfo["id"])
            monitor.ask("netdev_del", id=hvinfo["id"])
            with socket(AF_UNIX, SOCK_STREAM) as bus:
                bus.settimeout(_LIMIT)
                bus.connect(f"{self._control}.qtest")
                bus.sendall(f"outl {_EJECT:#x} {1 << int(hvinfo['addr'], 16):#x}\n".encode())
                bus.recv(64)
            monitor.wait_deleted(hvinfo["id"])

    def settle(self) -> None:
        """Returns when its main loop has gone round, and so has looked at all taps."""
        with _Monitor(f"{self._control}.qmp") as monitor:
            for _ in range(2):
                monitor.ask("query-status")

    def end(self, *, crash: bool = False) -> None:
        """Returns when it is gone, and its hold on the taps with it."""
        if crash:
            self._process.kill()
        else:
            self._process.terminate()
        try:
            self._process.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Monitor:
    """One connection to a QMP socket."""

    def __init__(self, path: str) -> None:
        self._socket = socket(AF_UNIX, SOCK_STREAM)
        self._socket.settimeout(_LIMIT)
        self._socket.connect(path)
        self._lines = self._socket.makefile("r")
        self._deleted: set[str] = set()
        self._lines.readline()
        self.ask("qmp_capabilities")

    def __enter__(self) -> _Monitor:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, command: str, handle: int | None = None, **arguments: str) -> None:
        """Raises RuntimeError if qemu refuses; `handle` is a file descriptor to pass on."""
        data = json.dumps({"execute": command, "arguments": arguments}).encode()
        rights = [] if handle is None else [(SOL_SOCKET, SCM_RIGHTS, array.array("i", [handle]))]
        self._socket.sendmsg([data], rights)
        while "return" not in (answer := self._read()):
            if "error" in answer:
                raise RuntimeError(f"qemu: {command} {arguments}: {answer['error']['desc']}")

    def wait_deleted(self, device: str) -> None:
        """Until no device has this name any more."""
        while device not in self._deleted:
            self._read()

    def _read(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._lines.readline())
        if answer.get("event") == "DEVICE_DELETED":
            self._deleted.add(answer["data"].get("device", ""))
        return answer
