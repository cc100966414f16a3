"""What ovs-vswitchd answers on its control socket about what is at work, in a limited time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.reported import Asked
from ganeti_ovs.ovsdb import appctl
from ganeti_ovs.ovsdb.control import control_socket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.model.reported import Entry
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.ovsdb.unixctl import Control

_TO_ALL = "dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff"
_LIMIT = 1.0
"""Seconds for each answer; after one that does not come, nothing more is asked."""


def ask_all(client: Client, switches: Mapping[str, Iterable[int]]) -> Asked:
    """Everything about these vSwitches; what could not be asked is said in it.

    `switches`: those, with the VLANs (0: none) in which a frame to all is to be traced.
    """
    try:
        with control_socket(client, _LIMIT) as control:
            datapaths = appctl.datapaths(control.ask("dpif/show"))
            bonds = appctl.bonds(control.ask("bond/show"))
            version = appctl.version(control.ask("version"))
            learned: dict[str, tuple[Entry, ...]] = {}
            floods: dict[str, dict[int, frozenset[int]]] = {}
            for switch in switches.keys() & datapaths.keys():
                learned[switch] = appctl.learned(control.ask("fdb/show", switch))
                floods[switch] = _floods(control, switch, switches[switch])
    except (Error, OSError) as err:
        return Asked(problem=str(err))
    return Asked(version, datapaths, bonds, learned, floods)


def _floods(control: Control, switch: str, vlans: Iterable[int]) -> dict[int, frozenset[int]]:
    found = {}
    for vlan in vlans:
        flow = "in_port=LOCAL," + (f"dl_vlan={vlan}," if vlan else "") + _TO_ALL
        leaves = appctl.flooded(control.ask("ofproto/trace", switch, flow))
        if leaves is not None:
            found[vlan] = leaves
    return found
