"""What Ganeti says of a NIC, and the Nic that it makes.

The variables are those of ConfigureNIC in Ganeti's lib/hypervisor/hv_base.py;
PORT_TYPE, MAX_BANDWIDTH and MAX_BURST are there only on a Ganeti that has these
NIC parameters.
"""

from __future__ import annotations

from ganeti_ovs.cluster.tags import PARSERS, NicKey, nic_settings
from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal, instance_name, interface_name, mac_address, nic_uuid
from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.value import Frozen
from ganeti_ovs.model.vlan import Vlan, port_type_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ganeti_ovs.cluster.tags import Settings

VARIABLES = {
    "instance": "INSTANCE",
    "mac": "MAC",
    "mode": "MODE",
    "tap": "INTERFACE",
    "index": "INTERFACE_INDEX",
    "uuid": "INTERFACE_UUID",
    "name": "INTERFACE_NAME",
    "tags": "TAGS",
    "link": "LINK",
    "vlan": "VLAN",
    "network_tags": "NETWORK_TAGS",
    "port_type": "PORT_TYPE",
    "max_bandwidth": "MAX_BANDWIDTH",
    "max_burst": "MAX_BURST",
}
"""What is said (a field of NicSettings) -> the network script's variable."""


class NicSettings(Frozen):
    """What Ganeti says of a NIC: text as it came, unchecked, and empty where nothing is said."""

    instance: str = ""
    mac: str = ""
    mode: str = ""
    tap: str = ""
    """The node's interface; a NIC that a hook is told of has none yet."""
    index: str = ""
    uuid: str = ""
    name: str = ""
    tags: str = ""
    link: str = ""
    vlan: str = ""
    network_tags: str = ""
    port_type: str = ""
    max_bandwidth: str = ""
    max_burst: str = ""
    tags_index: str = ""
    """The index by which tags mean it, if that is kept (`ganeti_ovs.cluster.moved`)."""
    down: str = ""
    """Not empty: Ganeti has taken it down, though its guest may still hold the tap."""

    def but(self, **changes: str) -> NicSettings:
        """The same with `changes`."""
        return NicSettings(**{**self.__dict__, **changes})


def said_in(environ: Mapping[str, str]) -> NicSettings:
    """What the environment of Ganeti's network script says; nothing is checked."""
    return NicSettings(
        **{field: environ.get(variable, "") for field, variable in VARIABLES.items()}
    )


def where(said: NicSettings, tap: str = "") -> str:
    """What an error is about, for people: `inst1.lab, NIC 0 (tap0 on vSwitch br0)`.

    Anything may be wrong in it. `tap`: a word for one that has no name yet.
    """
    words = (said.instance, said.index, said.tap or tap, said.link)
    return "{}, NIC {} ({} on vSwitch {})".format(*map(_plain, words))


def _plain(text: str) -> str:
    return quoted(text)[1:-1] or "?"


def nic_of(said: NicSettings) -> Nic:
    """The Nic on its tap. Raises BadInput, one line, for anything wrong in what is said.

    Each setting is taken from the first place that has it: the NIC's own
    parameter, an instance tag for this NIC, one for all NICs of the instance,
    one of the NIC's network. An empty variable counts as not there, as Ganeti
    sends VLAN= for a NIC without VLAN.
    """
    tap = interface_name(_required(said, "tap"), "INTERFACE")
    return Nic(tap=tap, **_checked(said))


def vswitch_of(said: NicSettings) -> str:
    """The vSwitch of a NIC that has no tap yet. Raises BadInput as `nic_of` would."""
    return str(_checked(said)["switch"])


def _checked(said: NicSettings) -> dict[str, Any]:
    """All fields of a Nic but those of its tap."""
    index = decimal(_required(said, "index"), "INTERFACE_INDEX", 4)
    uuid = nic_uuid(_required(said, "uuid"))
    settings = _settings(said, _tags_index(said, index), uuid)
    vlan = settings.get("vlan", Vlan())
    port_type = settings.get("port_type")
    if TYPE_CHECKING:
        assert isinstance(vlan, Vlan)
        assert port_type is None or isinstance(port_type, str)
    return {
        "instance": instance_name(_required(said, "instance")),
        "index": index,
        "uuid": uuid,
        "mac": mac_address(_required(said, "mac")),
        "switch": interface_name(said.link, "LINK (the vSwitch)"),
        "vlan": vlan,
        "port_type": port_type_for(vlan, port_type),
        "max_bandwidth": settings.get("max_bandwidth", 0),
        "max_burst": settings.get("max_burst", 0),
    }


def means_another(said: NicSettings, old: str, new: str) -> bool:
    """True if its tags say something else of the NIC under the index `new` than under `old`.

    Both are texts of Ganeti's index. Raises BadInput for tags that are wrong under `old`, too.
    """
    uuid = nic_uuid(_required(said, "uuid"))
    before = _settings(said, decimal(old, "INTERFACE_INDEX", 4), uuid)
    try:
        after = _settings(said, decimal(new, "INTERFACE_INDEX", 4), uuid)
    except BadInput:
        return True
    return before != after


def _tags_index(said: NicSettings, index: int) -> int:
    """The index by which tags mean the NIC: that under which it was plugged, if kept."""
    return decimal(said.tags_index, "TAGS_INDEX", 4) if said.tags_index else index


def _required(said: NicSettings, field: str) -> str:
    value = str(getattr(said, field))
    if not value:
        raise BadInput(
            f"{VARIABLES[field]} is missing in the environment; Ganeti's own scripts set it"
        )
    return value


def _settings(said: NicSettings, index: int, uuid: str) -> Settings:
    key = NicKey(index, said.name, uuid)
    own, every = nic_settings(said.tags, "instance", key)
    _none, network = nic_settings(said.network_tags, "network", key)
    merged = {**network, **every, **own}
    for setting, parse in PARSERS.items():
        text = str(getattr(said, setting))
        if text:
            merged[setting] = parse(text)
    return merged
