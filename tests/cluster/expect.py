"""What must be in Open vSwitch, and nothing else: from Ganeti's configuration and the tests' own
knowledge of VLANs, against the database as Open vSwitch's library reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.cluster.lab import Cluster
from tests.cluster.taps import taps

UPLINKS = {"eth1"}

# Port columns by Ganeti's VLAN string, written down by hand.
COLUMNS: dict[str, tuple[list[str], list[int], list[int]]] = {
    "": (["access"], [], []),
    ".100": (["access"], [100], []),
    ".200": (["access"], [200], []),
    ".300": (["access"], [300], []),
    ":100": (["trunk"], [], [100]),
    ":10:20": (["trunk"], [], [10, 20]),
    ".2:10:20": (["native-untagged"], [2], [10, 20]),
    "all": (["trunk"], [], []),  # no VLAN, but port_type=trunk
}


@dataclass
class Guest:
    """An instance as it must be: where it runs (0: nowhere) and its NICs' VLANs by index."""

    node: int
    vlans: list[str]
    limits: dict[int, int] = field(default_factory=dict)
    """NIC index -> bit/s."""
    bursts: dict[int, int] = field(default_factory=dict)
    """NIC index -> max_burst in bit, where it was given and the NIC has a limit."""


def check(cluster: Cluster, guests: dict[str, Guest]) -> None:
    """Fail unless exactly the right ports of ours are on exactly the right nodes."""
    nics = {one["name"]: one["nics"] for one in cluster.config()["instances"].values()}
    for number in range(1, len(cluster.boxes)):
        running = taps(cluster.node(number))
        here = sorted(name for name, guest in guests.items() if guest.node == number)
        assert sorted(running) == here, f"node{number} runs {sorted(running)}, not {here}"
        wanted = sorted(
            (
                running[name].get(nics[name][index]["mac"], f"no tap for NIC {index}"),
                nics[name][index]["nicparams"].get("link", "br0"),
                name,
                str(index),
                nics[name][index]["uuid"],
                nics[name][index]["mac"],
                *COLUMNS[vlan],
                guest.limits.get(index, 0),
                guest.bursts.get(index, 0) if index in guest.limits else 0,
            )
            for name, guest in guests.items()
            if guest.node == number
            for index, vlan in enumerate(guest.vlans)
        )
        rows = cluster.rows(number)
        found = sorted(_ports(rows))
        assert found == wanted, f"node{number}:\n{found}\nis not\n{wanted}"
        limited = sum(bool(one[-2]) for one in wanted)
        assert len(rows["QoS"]) == len(rows["Queue"]) == limited, f"node{number}: QoS left behind"
        held = {tap for of_guest in running.values() for tap in of_guest.values()}
        ours = {row["name"] for row in rows["Interface"] if _marked(row)}
        assert ours == held, f"node{number}: ports {ours}, but guests hold {held}"
        marked_ports = {row["name"] for row in rows["Port"] if _marked(row)}
        assert marked_ports == ours
        own = {row["name"] for row in rows["Bridge"]}
        others = {row["name"] for row in rows["Port"]} - ours - own - UPLINKS
        assert not others, f"node{number}: {others} without our mark"


def _ports(rows: dict[str, list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    interfaces = {row["name"]: row for row in rows["Interface"] if _marked(row)}
    qos = {row["_uuid"]: row for row in rows["QoS"]}
    queues = {row["_uuid"]: row for row in rows["Queue"]}
    bridge = {port: row["name"] for row in rows["Bridge"] for port in row["ports"]}
    found = []
    for port in rows["Port"]:
        interface = interfaces.get(port["name"])
        if interface is None:
            continue
        ids = interface["external_ids"]
        assert interface["ofport"][0] > 0, f"{port['name']} is not applied"
        assert interface["error"] == []
        assert ids.get("iface-status") == "active", f"{port['name']} is not active"
        rate = interface["ingress_policing_rate"] * 1000
        shaped = [int(qos[row]["other_config"]["max-rate"]) for row in port["qos"]]
        assert shaped == ([rate] if rate else [])
        burst = 0
        for row in port["qos"]:
            ((number, queue),) = qos[row]["queues"].items()
            assert number == 0
            burst = _given(
                rate,
                int(queues[queue]["other_config"]["burst"]),
                interface["ingress_policing_burst"] * 1024,
            )
        found.append(
            (
                port["name"],
                bridge[port["_uuid"]],
                ids["ganeti-instance"],
                ids["ganeti-nic"],
                ids["iface-id"],
                ids["attached-mac"],
                port["vlan_mode"],
                port["tag"],
                sorted(port["trunks"]),
                rate,
                burst,
            )
        )
    return found


def _given(rate: int, shaping: int, policing: int) -> int:
    """The max_burst in bit that a port shows, 0 if it has those chosen from its rate."""
    chosen = max(rate * 50 // 1000, 65536 * 8), max(rate * 300 // 1000, 72 * 1024 * 8)
    if shaping == chosen[0] and 0 <= policing - chosen[1] < 1024:
        return 0
    assert 0 <= policing - shaping < 1024, "not the same in both directions"
    return shaping


def _marked(row: dict[str, Any]) -> bool:
    return bool(row["external_ids"].get("ganeti-ovs") == "1")
