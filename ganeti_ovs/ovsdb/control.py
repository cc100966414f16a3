"""The control socket of the running ovs-vswitchd, as ovs-appctl(8) uses it."""

from __future__ import annotations

from os import listdir
from os.path import dirname
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.ovsdb.unixctl import Control


def control_socket(client: Client, limit: float = 4.0) -> Control:
    """The running ovs-vswitchd's control socket. Raises Error.

    `limit`: seconds within which ovs-vswitchd must answer, each time.
    """
    try:
        from ganeti_ovs.ovsdb.unixctl import Control
    except ModuleNotFoundError as err:
        raise Error(
            f"ovs-vswitchd cannot be asked: Python has no {err.name}; install python3-openvswitch"
        ) from err
    problem: Error | None = None
    directory = dirname(client.path)
    for name in sorted(listdir(directory)):
        if name.startswith("ovs-vswitchd.") and name.endswith(".ctl"):
            try:
                return Control(f"{directory}/{name}", limit)
            except Error as err:  # one that was killed leaves its socket
                problem = err
    raise problem or Error(f"no control socket of ovs-vswitchd in {directory}")


def ask(control: Control, command: str, *arguments: str) -> str:
    """What ovs-vswitchd answers. Raises Error."""
    return control.ask(command, *arguments)
