"""All instances as Ganeti's configuration has them, with what their NICs are to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.cluster.environment import NicSettings, nic_of
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.nic import Nic

MODE = "openvswitch"
"""Of NICs that are ours."""
_FIELDS = ["name", "pnode", "admin_state", "tags", "nic.uuids", "nic.names", "nic.macs",
           "nic.modes", "nic.links", "nic.vlans", "nic.networks"]  # fmt: skip
_PARAMETERS = ["nic.port_types", "nic.max_bandwidths", "nic.max_bursts"]
"""Of a Ganeti that has these NIC parameters (`patches/`)."""
_NO_TAP = "none"


@dataclass(frozen=True)
class Instance:
    """An instance, whether it runs or not."""

    name: str
    node: str
    """Its primary node."""
    up: bool
    """Whether Ganeti wants it to run."""
    tags: tuple[str, ...]
    nics: tuple[NicSettings, ...] = ()
    """All of them: text as it came."""

    @property
    def ours(self) -> tuple[NicSettings, ...]:
        """Those of mode openvswitch."""
        return tuple(said for said in self.nics if said.mode == MODE)


@dataclass(frozen=True)
class Network:
    """A network of Ganeti's."""

    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """All of it, of one moment."""

    networks: Mapping[str, Network]
    """By their UUIDs."""
    instances: tuple[Instance, ...]
    """By their names."""


def read_inventory(master: Master) -> Inventory:
    """Ask Ganeti. Raises Error."""
    networks = read_networks(master)
    return Inventory(networks, read_instances(master, networks))


def read_networks(master: Master) -> dict[str, Network]:
    """By their UUIDs. Raises Error."""
    rows = list(master.query("network", ["uuid", "name", "tags"]))
    return {uuid: Network(name, tuple(sorted(tags))) for uuid, name, tags in rows}


def read_instances(master: Master, networks: Mapping[str, Network]) -> tuple[Instance, ...]:
    """By their names. `networks` are all there are. Raises Error."""
    rows = list(master.query("instance", _FIELDS, _PARAMETERS))
    return tuple(_instance(row, networks) for row in sorted(rows, key=lambda row: str(row[0])))


def wanted_nic(said: NicSettings) -> Nic:
    """What the NIC is to be when it is plugged; its tap is none. Raises BadInput."""
    return nic_of(said.but(tap=_NO_TAP))


def why_wrong(said: NicSettings) -> str:
    """What keeps the NIC from being plugged, in words; "" if nothing does."""
    try:
        wanted_nic(said)
    except BadInput as err:
        return str(err)
    return ""


def _instance(row: list[Any], networks: Mapping[str, Network]) -> Instance:
    name, node, state, tags, *columns = row
    count = len(columns[0])
    texts = [[str(one or "") for one in column or [None] * count] for column in columns]
    nics = tuple(
        NicSettings(
            instance=name,
            mac=mac,
            mode=mode,
            index=str(index),
            uuid=uuid,
            name=nic_name,
            tags=" ".join(tags),
            link=link,
            vlan=vlan,
            network_tags=" ".join(networks[network].tags) if network in networks else "",
            port_type=port_type,
            max_bandwidth=bandwidth,
            max_burst=burst,
        )
        for index, (
            uuid, nic_name, mac, mode, link, vlan, network, port_type, bandwidth, burst,
        ) in enumerate(zip(*texts, strict=True))
    )  # fmt: skip
    return Instance(name, node, state == "up", tuple(sorted(tags)), nics)
