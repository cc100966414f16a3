"""Simulated nodes for make bench-distribute: each with an Open vSwitch and uplinks of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch, wait_until

UPLINKS = ("eth1", "eth2")
_TICKS = os.sysconf("SC_CLK_TCK")

# What gnt-ovs starts in the place of ssh: "… root@NODE COMMAND", with Ganeti's own options.
# It is the shell that sshd starts, too, and becomes the command, so that this ends with it.
_SSH = """#!/bin/sh
for word; do node=${command-}; command=$word; done
. "${0%/*}/${node#root@}"
eval "exec $enter $command"
"""


class Node:
    """A network namespace with two uplinks, ovsdb-server and ovs-vswitchd; leaving it ends all.

    The uplinks' other ends are up and lead nowhere.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._stack = ExitStack()
        holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
        )
        self._stack.callback(holder.wait)
        self._stack.callback(holder.kill)
        namespace = f"/proc/{holder.pid}/ns/net"
        ours = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(namespace) != ours, f"the namespace of {name}")
        self._enter = ("nsenter", f"--net={namespace}")
        run(*self._enter, "ip", "link", "set", "lo", "up")
        for uplink in UPLINKS:
            peer = f"{uplink}-peer"
            run(*self._enter, "ip", "link", "add", uplink, "type", "veth", "peer", "name", peer)
            run(*self._enter, "ip", "link", "set", peer, "up")
        self.ovs = self._stack.enter_context(OpenVSwitch(self._enter))

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def settings(self) -> str:
        """For the shell: the environment there, and `enter`, which begins the command line."""
        found = [f"export {name}={shlex.quote(v)}\n" for name, v in self.ovs.environ.items()]
        return "".join(found) + f"enter={shlex.quote(' '.join(self._enter))}\n"

    def used(self) -> float:
        """Seconds of processor time that its two daemons have used so far."""
        fields = [
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            for pid in self.ovs.pids()
        ]
        return sum(int(ticks) for one in fields for ticks in one[11:13]) / _TICKS


def stand_in(directory: Path, nodes: list[Node]) -> Path:
    """Make the program that is ssh for these nodes, in `directory`; return its path."""
    for node in nodes:
        (directory / node.name).write_text(node.settings())
    ssh = directory / "ssh"
    ssh.write_text(_SSH)
    ssh.chmod(0o755)
    return ssh


def used(nodes: list[Node]) -> float:
    """Seconds of processor time that the daemons of all nodes have used so far."""
    return sum(node.used() for node in nodes)


def wait_idle(limit: float = 3.0) -> None:
    """Wait until the machine's processors are idle, or, on a busy machine, for `limit` seconds."""
    deadline = time.monotonic() + limit
    share = 0.0
    before = _idle()
    while share < 0.95 and time.monotonic() < deadline:
        time.sleep(0.3)
        now = _idle()
        share = (now[0] - before[0]) / max(now[1] - before[1], 1)
        before = now


def _idle() -> tuple[int, int]:
    """(idle, all) of the processors' ticks so far."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
