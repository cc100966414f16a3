"""Which tap is which NIC's, as qemu and the kernel say: not Ganeti, nor the code under test."""

from __future__ import annotations

import json

from tests.cluster.box import Box

# Runs in a node. qemu knows each MAC's file descriptor, the kernel knows that descriptor's tap.
# No guest's qemu is asked for longer than 10 s; one that has just died has no taps.
_ASK = r"""
import json, re, socket
from pathlib import Path
run = Path("/var/run/ganeti/kvm-hypervisor")
found = {}
for file in run.glob("pid/*"):
    try:
        pid = int(file.read_text().split()[0])
        if file.name.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            continue
        monitor = socket.socket(socket.AF_UNIX)
        monitor.settimeout(10)
        monitor.connect(str(run / "ctrl" / f"{file.name}.monitor"))
        seen = b""
        while b"(qemu) " not in seen:
            seen += monitor.recv(65536) or exit(f"{file.name}: no monitor")
        monitor.sendall(b"info network\n")
        seen = b""
        while not seen.endswith(b"\n(qemu) "):
            seen += monitor.recv(65536) or exit(f"{file.name}: no answer")
        monitor.close()
        pairs = re.findall(r"macaddr=([0-9a-f:]+)\r?\n \\ \S+ index=\d+,type=tap,fd=(\d+)", seen.decode())
        found[file.name] = {
            mac: re.search(r"iff:\s*(\S+)", Path(f"/proc/{pid}/fdinfo/{fd}").read_text()).group(1)
            for mac, fd in pairs
        }
    except (FileNotFoundError, ProcessLookupError, ConnectionError, IndexError):
        continue
print(json.dumps(found))
"""  # noqa: E501


def taps(node: Box) -> dict[str, dict[str, str]]:
    """Instance -> MAC -> tap, of all guests that run on the node."""
    found: dict[str, dict[str, str]] = json.loads(node.run("python3", "-", stdin=_ASK).stdout)
    return found
