"""Limits as the product writes them: its own plan, its own way to the database."""

from __future__ import annotations

import json
import os
from pathlib import Path
from socket import if_nametoindex

from ganeti_ovs.linux.qdisc import limits
from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.vlan import Vlan
from ganeti_ovs.node.ports import attach
from ganeti_ovs.ovsdb.session import Session
from tests.kernel.job import Limit

_APPLY_LIMIT = 60.0
"""s that ovs-vswitchd may take; it is emulated."""
_UUID = "bdc23741-5995-403d-8ac7-475db57bb%03d"


def attach_limited(socket: str, bridge: str, port: str, number: int, limit: Limit) -> None:
    """Attach guest `number`'s device `port`, as the network script does after its checks."""
    with Session(socket, port, _APPLY_LIMIT) as session:
        attach(session, _nic(bridge, port, number, limit))


def network_script(
    bridge: str, tap: str, number: int, limit: Limit, database: dict[str, str]
) -> dict[str, str]:
    """The environment of Ganeti's network script for a tap; `database` says where that is."""
    nic = _nic(bridge, tap, number, limit)
    return {
        **_common(database),
        "INSTANCE": nic.instance,
        "INTERFACE": tap,
        "INTERFACE_INDEX": str(nic.index),
        "INTERFACE_UUID": nic.uuid,
        "LINK": bridge,
        "MAC": nic.mac,
        "MODE": "openvswitch",
        "TAGS": _tags(limit),
    }


def hook_of(script: str) -> str:
    """The hook after gnt-instance modify that was installed with this kvm-vif-bridge."""
    return str(Path(script).with_name("hooks") / "instance-modify-post.d" / "50-ovs")


def hook(bridge: str, number: int, limit: Limit, database: dict[str, str]) -> dict[str, str]:
    """Its environment, when the guest has got another limit."""
    nic = _nic(bridge, "", number, limit)
    told = {
        "NAME": nic.instance,
        "TAGS": _tags(limit),
        "NIC_COUNT": "1",
        "NIC0_UUID": nic.uuid,
        "NIC0_MAC": nic.mac,
        "NIC0_MODE": "openvswitch",
        "NIC0_LINK": bridge,
    }
    return {
        **_common(database),
        **{f"GANETI_POST_INSTANCE_{name}": value for name, value in told.items()},
        "GANETI_HOOKS_PATH": "instance-modify",
        "GANETI_HOOKS_PHASE": "post",
    }


def names(number: int) -> tuple[str, str]:
    """(the guest's name, qemu's name of its NIC)."""
    nic = _nic("", "", number, Limit())
    return nic.instance, "nic-" + nic.uuid.rsplit("-", 2)[0]


def runs(database: dict[str, str], tap: str, number: int, pid: int) -> None:
    """Write Ganeti's files of the guest, whose process `pid` holds `tap`."""
    nic = _nic("", tap, number, Limit())
    root = Path(database["LOCALSTATEDIR"]) / "run/ganeti/kvm-hypervisor"
    entry = {"uuid": nic.uuid, "mac": nic.mac, "nicparams": {"mode": "openvswitch"}}
    files = {
        f"pid/{nic.instance}": f"{pid}\n",
        f"nic/{nic.instance}/0": tap,
        f"conf/{nic.instance}.runtime": json.dumps(["qemu", [entry], {}, []]),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)


def found_limits(ports: list[str]) -> tuple[tuple[int, int], ...]:
    """What the status of a node finds that the kernel limits: (sends, receives), bit/s."""
    found = limits({name: if_nametoindex(name) for name in ports})
    return tuple((found[name].sends, found[name].receives) for name in ports)


def _common(database: dict[str, str]) -> dict[str, str]:
    return {**database, "PATH": os.environ["PATH"], "GANETI_OVS_TIMEOUT": f"{_APPLY_LIMIT:g}"}


def _tags(limit: Limit) -> str:
    settings = {"max_bandwidth": limit.max_bandwidth, "max_burst": limit.max_burst}
    tags = [f"ovs:nic:0:{name}:{value // 1000}k" for name, value in settings.items() if value]
    return " ".join(tags)


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
