"""What must be in Open vSwitch, and nothing else: from Ganeti's configuration and the tests' own
knowledge of VLANs, against the database as Open vSwitch's library reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.lab import Cluster

# Port columns by Ganeti's VLAN string, written down by hand.
COLUMNS: dict[str, tuple[list[str], list[int], list[int]]] = {
    "": (["access"], [], []),
    ".100": (["access"], [100], []),
    ".200": (["access"], [200], []),
    ".300": (["access"], [300], []),
    ":10:20": (["trunk"], [], [10, 20]),
    ".2:10:20": (["native-untagged"], [2], [10, 20]),
}


@dataclass
class Guest:
    """An instance as it must be: where it runs (0: nowhere) and its NICs' VLANs by index."""

    node: int
    vlans: list[str]
    limits: dict[int, int] = field(default_factory=dict)
    """NIC index -> bit/s."""


def check(cluster: Cluster, guests: dict[str, Guest]) -> None:
    """Fail unless exactly the right ports of ours are on exactly the right nodes."""
    config = json.loads(cluster.master.run("cat", "/var/lib/ganeti/config.data").stdout)
    nics = {one["name"]: one["nics"] for one in config["instances"].values()}
    for number in range(1, len(cluster.boxes)):
        wanted = sorted(
            (
                name,
                str(index),
                nics[name][index]["uuid"],
                nics[name][index]["mac"],
                *COLUMNS[vlan],
                guest.limits.get(index, 0),
            )
            for name, guest in guests.items()
            if guest.node == number
            for index, vlan in enumerate(guest.vlans)
        )
        rows = cluster.rows(number)
        found = sorted(_ports(rows))
        assert found == wanted, f"node{number}:\n{found}\nis not\n{wanted}"
        limited = sum(bool(one[-1]) for one in wanted)
        assert len(rows["QoS"]) == len(rows["Queue"]) == limited, f"node{number}: QoS left behind"
        taps = set(cluster.node(number).run("ls", "/sys/class/net").stdout.split())
        ours = {row["name"] for row in rows["Interface"] if _marked(row)}
        assert ours <= taps, f"node{number}: ports without tap: {ours - taps}"
        marked_ports = {row["name"] for row in rows["Port"] if _marked(row)}
        assert marked_ports == ours


def _ports(rows: dict[str, list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    interfaces = {row["name"]: row for row in rows["Interface"] if _marked(row)}
    qos = {row["_uuid"]: row for row in rows["QoS"]}
    found = []
    for port in rows["Port"]:
        interface = interfaces.get(port["name"])
        if interface is None:
            continue
        ids = interface["external_ids"]
        assert interface["ofport"][0] > 0, f"{port['name']} is not applied"
        assert interface["error"] == []
        rate = interface["ingress_policing_rate"] * 1000
        shaped = [int(qos[row]["other_config"]["max-rate"]) for row in port["qos"]]
        assert shaped == ([rate] if rate else [])
        found.append(
            (
                ids["ganeti-instance"],
                ids["ganeti-nic"],
                ids["iface-id"],
                ids["attached-mac"],
                port["vlan_mode"],
                port["tag"],
                sorted(port["trunks"]),
                rate,
            )
        )
    return found


def _marked(row: dict[str, Any]) -> bool:
    return bool(row["external_ids"].get("ganeti-ovs") == "1")
