"""What ovs-vswitchd answers on its control socket about what is at work, in a limited time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.reported import Asked
from ganeti_ovs.ovsdb import appctl
from ganeti_ovs.ovsdb.control import control_socket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.reported import Entry
    from ganeti_ovs.ovsdb.client import Client

_LIMIT = 1.0
"""Seconds for each answer; after one that does not come, nothing more is asked."""


def ask_all(client: Client, switches: Iterable[str]) -> Asked:
    """Everything about these vSwitches; what could not be asked is said in it."""
    try:
        with control_socket(client, _LIMIT) as control:
            datapaths = appctl.datapaths(control.ask("dpif/show"))
            bonds = appctl.bonds(control.ask("bond/show"))
            version = appctl.version(control.ask("version"))
            learned: dict[str, tuple[Entry, ...]] = {}
            for switch in switches:
                if switch in datapaths:
                    learned[switch] = appctl.learned(control.ask("fdb/show", switch))
    except (Error, OSError) as err:
        return Asked(problem=str(err))
    return Asked(version, datapaths, bonds, learned)
