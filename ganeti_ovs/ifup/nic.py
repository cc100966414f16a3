"""Up and down of one NIC, in words and exit codes: the same for every script of Ganeti's."""

from __future__ import annotations

import sys

from ganeti_ovs.cluster.environment import said_in, where
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.linux.ending import trace
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import tap
from ganeti_ovs.ovsdb.client import DatabaseUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.node.tap import Up


def up(environ: Mapping[str, str]) -> int:
    """Attach the NIC that `environ` describes, then set its tap up.

    Returns the exit code: 0, or 1 after one line on standard error.
    """
    said = said_in(environ)
    try:
        here = runtime(environ)
        said = tap.with_index(here, said)
        done = tap.up(here, said)
    except DatabaseUnavailable as err:
        # To try again for its other NICs would only take more time.
        return fail(said, err, _others(said))
    except Error as err:
        return fail(said, err, _give_up(environ, said))
    for line in _warnings(said, done):
        say(said, f"warning: {line}")
    return 0


def _warnings(said: NicSettings, done: Up) -> list[str]:
    lines = []
    if done.unkept:
        lines.append(f"no record for gnt-ovs reconcile could be written: {done.unkept}")
    if done.replaced_foreign:
        lines.append(f"replaced a stale port {said.tap} that was not ours")
    if done.unpoliced:
        lines.append(
            "max_bandwidth holds only for what the guest receives:"
            f" {said.link} uses the userspace datapath, which cannot police"
        )
    return lines


def down(environ: Mapping[str, str]) -> int:
    """Remove the port that INTERFACE has, if it is ours and still this NIC's: the exit code."""
    said = said_in(environ)
    try:
        tap.down(runtime(environ), said)
    except Error as err:
        return fail(said, err)
    return 0


def clear(environ: Mapping[str, str]) -> None:
    """Remove any port that Open vSwitch still has for the tap of a NIC of another mode.

    That, and failure, is a warning.
    """
    said = said_in(environ)
    try:
        removed = tap.clear(runtime(environ), said)
    except Error as err:
        trace()
        say(said, f"warning: Open vSwitch may still have a port for this interface: {err}")
        return
    if removed:
        say(said, f"warning: removed a stale Open vSwitch port {removed}")


def fail(said: NicSettings, err: Error, more: str = "") -> int:
    """Tell what is wrong and where, and return exit code 1."""
    trace()
    say(said, f"{err}{more}")
    return 1


def give_up(environ: Mapping[str, str]) -> str:
    """After a failure, which ends the whole start of the guest (`siblings`); a word about it."""
    return _give_up(environ, said_in(environ))


def _give_up(environ: Mapping[str, str], said: NicSettings) -> str:
    from ganeti_ovs.node import siblings

    try:
        removed = siblings.give_up(runtime(environ), said)
    except Error:
        # The error before it is the one to be told.
        return _others(said)
    return f"; removed {', '.join(removed)} of the same start, too" if removed else ""


def _others(said: NicSettings) -> str:
    """What may be left of the guest's other NICs, in words that follow an error's."""
    if said.index in ("", "0"):
        return ""
    return "; gnt-ovs reconcile removes ports of the same start that are left"


def say(said: NicSettings, text: str) -> None:
    """One line on standard error and in the system's log.

    Both, as Ganeti shows a script's output only when the script fails.
    """
    from syslog import LOG_DAEMON, LOG_WARNING, openlog, syslog

    line = f"{where(said)}: {text}"
    print(f"ganeti-ovs: {line}", file=sys.stderr)
    openlog("ganeti-ovs", 0, LOG_DAEMON)
    syslog(LOG_WARNING, line)
