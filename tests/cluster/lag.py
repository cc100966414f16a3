"""A physical switch that speaks LACP: an Open vSwitch in the physical network."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.lab import Cluster
from tests.testbed.openvswitch import OpenVSwitch

CABLES = (2, 3)


@contextmanager
def lacp_switch(cluster: Cluster) -> Iterator[OpenVSwitch]:
    """Each node's second and third cable are one balance-tcp bond of it, `lag<node>`."""
    inside = ("nsenter", "-t", str(cluster.boxes[0].pid), "--net")
    nodes = range(1, len(cluster.boxes))
    cables = [f"t{node}.{cable}" for node in nodes for cable in CABLES]
    with OpenVSwitch(inside) as switch:
        for cable in cables:
            subprocess.run([*inside, "ip", "link", "set", cable, "nomaster"], check=True)
        try:
            switch.add_bridge("lag")
            for node in nodes:
                switch.vsctl(
                    "add-bond", "lag", f"lag{node}", *(f"t{node}.{cable}" for cable in CABLES),
                    "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast",
                )  # fmt: skip
            yield switch
        finally:
            switch.vsctl("del-br", "lag")
            for cable in cables:
                subprocess.run(
                    [*inside, "ip", "link", "set", cable, "master", "trunk", "up"], check=True
                )


@contextmanager
def silent(cluster: Cluster, node: int, *cables: int) -> Iterator[None]:
    """Cables that have a link, but let no frame through, either way.

    A qdisc that drops everything, at both ends: what a packet socket sends goes through it.
    """
    ends = [(cluster.node(node).pid, f"eth{cable}") for cable in cables]
    ends += [(cluster.boxes[0].pid, f"t{node}.{cable}") for cable in cables]
    for pid, device in ends:
        _tc(pid, "replace", device, "blackhole")
    try:
        yield
    finally:
        for pid, device in ends:
            _tc(pid, "del", device)


def _tc(pid: int, verb: str, device: str, *kind: str) -> None:
    command = ["tc", "qdisc", verb, "dev", device, "root", *kind]
    subprocess.run(["nsenter", "-t", str(pid), "--net", *command], check=True)
