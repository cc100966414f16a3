"""Network namespaces: one for this process, and helpers for further ones."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_FS = 0x00000200
_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000


@contextmanager
def private() -> Iterator[None]:
    """This process has a network and a mount namespace of its own during the block.

    Nothing that it or its children do to interfaces then reaches the host, and
    the kernel removes all of it with the last process. Needs root.
    """
    here = os.getcwd()
    with ExitStack() as stack:
        before = [
            stack.enter_context(open(f"/proc/self/ns/{kind}", "rb")) for kind in ("net", "mnt")
        ]
        _unshare(_CLONE_NEWNET | _CLONE_NEWNS)
        try:
            prepare()
            yield
        finally:
            # NOTE: who shares its working directory with other threads cannot change mounts.
            _unshare(_CLONE_FS)
            for namespace in before:
                if _LIBC.setns(namespace.fileno(), 0):
                    raise _error("not back to the host's namespaces")
            os.chdir(here)


def _unshare(flags: int) -> None:
    if _LIBC.unshare(flags):
        raise _error("no private namespaces (root needed)")


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


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
