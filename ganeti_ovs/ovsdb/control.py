"""The control socket of the running ovs-vswitchd, as ovs-appctl(8) uses it."""

from __future__ import annotations

from os import listdir
from os.path import dirname
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb.client import Client

if TYPE_CHECKING:
    from ganeti_ovs.ovsdb.session import Session


def control_socket(session: Session) -> Client:
    """The running ovs-vswitchd's control socket. Raises Error."""
    problem: Error | None = None
    directory = dirname(session.path)
    for name in sorted(listdir(directory)):
        if name.startswith("ovs-vswitchd.") and name.endswith(".ctl"):
            try:
                return Client(f"{directory}/{name}")
            except Error as err:  # one that was killed leaves its socket
                problem = err
    raise problem or Error(f"no control socket of ovs-vswitchd in {directory}")


def ask(control: Client, method: str, *arguments: str) -> str:
    """What ovs-vswitchd answers. Raises Error."""
    return str(control.answer(control.post(method, *arguments)))
