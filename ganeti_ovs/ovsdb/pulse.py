"""Is ovs-vswitchd alive? It is, if it carries out a configuration: with it, what it reports is of
now, and without it of nobody knows when.
"""

from __future__ import annotations

from os import listdir
from os.path import dirname
from socket import AF_UNIX, SOCK_STREAM, socket

from ganeti_ovs.ovsdb.session import NotApplied, Session

LIMIT = 3.0
"""Seconds that it has."""
_GLANCE = 0.5
"""Seconds in which the kernel takes a connection to its control socket."""


def pulse(session: Session) -> str:
    """Why ovs-vswitchd is dead, in words; "" if it is alive.

    Changes nothing but Open_vSwitch.next_cfg. `session` should have LIMIT. Raises Error when the
    database does not answer.
    """
    _replies, number = session.commit([])
    try:
        session.wait_applied(number)
    except NotApplied:
        if runs(dirname(session.path)):
            return f"ovs-vswitchd hangs: it has carried out nothing for {LIMIT:g} s"
        return "ovs-vswitchd is not running"
    return ""


def runs(directory: str) -> bool:
    """Whether somebody listens to a control socket of ovs-vswitchd's in there.

    NOTE: the kernel takes the connection, also for one that is stopped.
    """
    try:
        names = listdir(directory)
    except OSError:
        return False
    paths = [f"{directory}/{name}" for name in names if _is_control(name)]
    return any(map(_listens, paths))


def _is_control(name: str) -> bool:
    return name.startswith("ovs-vswitchd.") and name.endswith(".ctl")


def _listens(path: str) -> bool:
    with socket(AF_UNIX, SOCK_STREAM) as client:
        client.settimeout(_GLANCE)
        try:
            client.connect(path)
        except BlockingIOError:
            return True  # Its queue of connections is full.
        except OSError:
            return False
    return True
