"""Network namespaces: one for the whole process, and helpers for further ones."""

from __future__ import annotations

import ctypes
import os
import subprocess

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000


def enter_private() -> None:
    """Put this process into a network and mount namespace of its own, for good.

    Nothing that it or its children do to interfaces then reaches the host, and
    the kernel removes all of it with the last process. Needs root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS):
        number = ctypes.get_errno()
        raise OSError(number, f"no private namespaces (root needed): {os.strerror(number)}")
    prepare()


def prepare() -> None:
    """Make a fresh namespace usable: its own /sys, loopback up, no IPv6 chatter."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    run("ip", "link", "set", "lo", "up")
    for scope in ("all", "default"):
        with open(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "w") as switch:
            switch.write("1")


def run(*command: str) -> str:
    """Run a command and return its output; fails loudly."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
    return done.stdout
