"""Statuses as nodes would give them, to be changed by tests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ganeti_ovs.model.plain import to_plain
from ganeti_ovs.model.status import (
    FORMAT,
    Daemon,
    NicState,
    NicStatus,
    NodeStatus,
    PortSettings,
    Problem,
    Severity,
    SwitchStatus,
    Traffic,
    Uplink,
)

ALIVE = Daemon(True, "3.1.0", ("netdev", "system"))
PORT = PortSettings("br0", "access", ".100")


def uplink(name: str = "eth1", **changes: Any) -> Uplink:
    return replace(Uplink(name, name, 1, link="up", mtu=1500), **changes)


def switch(name: str = "br0", **changes: Any) -> SwitchStatus:
    good = SwitchStatus(
        name, True, True, wanted={}, datapath_type="system", works=True, uplinks=(uplink(),)
    )
    return replace(good, **changes)


def nic(instance: str = "web1.lab", index: int = 0, **changes: Any) -> NicStatus:
    good = NicStatus(
        instance,
        str(index),
        f"{index:08x}-0000-4000-8000-{sum(map(ord, instance)):012x}",
        f"tap{index}",
        NicState.UP,
        "aa:00:77:00:00:01",
        wanted=PORT,
        actual=PORT,
        ofport=2,
        link="up",
        mtu=1500,
        traffic=Traffic(10, 20, 0),
    )
    return replace(good, **changes)


def node(name: str = "node1.lab", *problems: Problem, **changes: Any) -> NodeStatus:
    good = NodeStatus(name, "0.1.0", ALIVE, switches=(switch(),), nics=(nic(),), problems=problems)
    return replace(good, **changes)


def error(kind: str = "differs", words: str = "it is not", subject: str = "br0") -> Problem:
    return Problem(Severity.ERROR, kind, words, subject, "gnt-ovs apply")


def warning(
    kind: str = "no-link", words: str = "eth1 has no link", subject: str = "br0"
) -> Problem:
    return Problem(Severity.WARNING, kind, words, subject)


def answer(status: NodeStatus) -> str:
    """The line that the node says."""
    return json.dumps({"format": FORMAT, **to_plain(status)})
