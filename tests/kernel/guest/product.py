"""Limits as the product writes them: its own plan, its own way to the database."""

from __future__ import annotations

import os

from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.vlan import Vlan
from ganeti_ovs.ovsdb.live import adjust
from ganeti_ovs.ovsdb.ports import attach
from ganeti_ovs.ovsdb.session import Session
from tests.kernel.job import Limit

_APPLY_LIMIT = 60.0
"""s that ovs-vswitchd may take; it is emulated."""
_UUID = "bdc23741-5995-403d-8ac7-475db57bb%03d"


def attach_limited(socket: str, bridge: str, port: str, number: int, limit: Limit) -> None:
    """Attach guest `number`'s device `port`, as the network script does after its checks."""
    with Session(socket, port, _APPLY_LIMIT) as session:
        attach(session, _nic(bridge, port, number, limit))


def change(socket: str, bridge: str, port: str, number: int, limit: Limit) -> None:
    """Give the attached port another limit, as the hook after a modification does."""
    with Session(socket, port, _APPLY_LIMIT) as session:
        adjust(session, _nic(bridge, port, number, limit))


def network_script(
    bridge: str, tap: str, number: int, limit: Limit, database: dict[str, str]
) -> dict[str, str]:
    """The environment of Ganeti's network script for a tap; `database` says where that is."""
    nic = _nic(bridge, tap, number, limit)
    settings = {"max_bandwidth": limit.max_bandwidth, "max_burst": limit.max_burst}
    tags = [f"ovs:nic:0:{name}:{value // 1000}k" for name, value in settings.items() if value]
    return {
        **database,
        "PATH": os.environ["PATH"],
        "GANETI_OVS_TIMEOUT": f"{_APPLY_LIMIT:g}",
        "INSTANCE": nic.instance,
        "INTERFACE": tap,
        "INTERFACE_INDEX": str(nic.index),
        "INTERFACE_UUID": nic.uuid,
        "LINK": bridge,
        "MAC": nic.mac,
        "MODE": "openvswitch",
        "TAGS": " ".join(tags),
    }


def _nic(bridge: str, port: str, number: int, limit: Limit) -> Nic:
    return Nic(
        instance=f"guest{number}.lab",
        index=0,
        uuid=_UUID % number,
        mac=f"02:00:00:00:00:{number + 1:02x}",
        tap=port,
        switch=bridge,
        vlan=Vlan(),
        port_type="access",
        max_bandwidth=limit.max_bandwidth,
        max_burst=limit.max_burst,
    )
