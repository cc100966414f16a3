"""What the kernel and qemu itself say of a guest that runs here: its process, taps and netdevs.

Not by qemu's command line: a NIC that is unplugged frees its file descriptor, and the next
one that is plugged may get that number.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import files

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_MONITOR_LIMIT = 3.0
"""Seconds in which qemu's monitor must answer. Ganeti's own calls keep it for half a second."""
_MONITORS_LIMIT = 6.0
"""Seconds for all monitors that are asked while the node's lock is held."""
_LONGEST = 1 << 16
"""Bytes of the monitor's answer that are read."""
_PROMPT = b"(qemu) "
_TAP = re.compile(r"^ \\ (\S+): index=\d+,type=tap,fd=(\d+)\r?$", re.MULTILINE)
"""A line of `info network` (net/tap.c, net_init_tap, sets "fd=%d")."""


def taps_of(pid: str, instance: str) -> dict[int, str]:
    """The taps that the process holds open: file descriptor -> interface.

    Empty unless it is the qemu of `instance` (its -name) from beginning to end: pid files
    outlive their guests, and numbers of processes are used anew.
    """
    if not (pid.isascii() and pid.isdigit()):
        return {}
    begun = _begun(pid)
    if not begun or _name(pid) != instance:
        return {}
    taps = {}
    for number in _descriptors(pid):
        # drivers/net/tun.c, tun_chr_show_fdinfo
        for line in _read(f"/proc/{pid}/fdinfo/{number}").splitlines():
            if line.startswith("iff:"):
                taps[int(number)] = line[len("iff:") :].strip()
    return taps if _begun(pid) == begun else {}


class Monitors:
    """The monitors of this node's guests, each asked once for the taps that its guest has.

    However many do not answer, asking them takes no longer than _MONITORS_LIMIT seconds.
    """

    def __init__(self) -> None:
        self._left = _MONITORS_LIMIT
        self._answers: dict[object, dict[int, str]] = {}

    def netdevs(self, monitor: str, plugged: Mapping[int, object]) -> dict[int, str]:
        """File descriptor -> the ID of the netdev that has it now; empty without an answer in time.

        `plugged` (file descriptor -> what identifies the plug) says for what the answer holds.
        """
        key = (monitor, *sorted(plugged.items(), key=str))
        if key not in self._answers:
            started = time.monotonic()
            self._answers[key] = netdevs(monitor, min(self._left, _MONITOR_LIMIT))
            self._left -= time.monotonic() - started
        return self._answers[key]


def netdevs(monitor: str, limit: float = _MONITOR_LIMIT) -> dict[int, str]:
    """What the monitor says, in `limit` seconds: see `Monitors.netdevs`."""
    if limit <= 0:
        return {}
    import socket  # Few are asked, and hooks count every millisecond.

    deadline = time.monotonic() + limit
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(limit)
            connection.connect(monitor)
            _until_prompt(connection, deadline)
            connection.sendall(b"info network\n")
            text = _until_prompt(connection, deadline).decode(errors="replace")
    except (OSError, ValueError):
        return {}
    return {int(number): name for name, number in _TAP.findall(text) if len(number) < 10}


def _until_prompt(connection: socket.socket, deadline: float) -> bytes:
    data = b""
    while not data.endswith(_PROMPT):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(4096)
        if not chunk or len(data) > _LONGEST or time.monotonic() > deadline:
            raise ConnectionError("no answer of qemu's monitor")
        data += chunk
    return data


def _begun(pid: str) -> str:
    """When the process began (proc(5), /proc/PID/stat, field 22)."""
    fields = _read(f"/proc/{pid}/stat").rpartition(") ")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _name(pid: str) -> str:
    """What stands behind -name on the command line, as Ganeti writes it (hv_kvm)."""
    words = _read(f"/proc/{pid}/cmdline").split("\0")
    at = words.index("-name") + 1 if "-name" in words else len(words)
    return words[at].partition(",")[0] if at < len(words) else ""


def _descriptors(pid: str) -> list[str]:
    try:
        return [number for number in os.listdir(f"/proc/{pid}/fdinfo") if number.isdigit()]
    except OSError:
        return []


def _read(path: str) -> str:
    """The file's text, or nothing: these files come and go with their guests."""
    return files.read(path) or ""
