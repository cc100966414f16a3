"""From the environment of Ganeti's network script to a Nic.

The variables are those of ConfigureNIC in Ganeti's lib/hypervisor/hv_base.py;
PORT_TYPE, MAX_BANDWIDTH and MAX_BURST are there only on a Ganeti that has these
NIC parameters.
"""

from __future__ import annotations

from ganeti_ovs.cluster.tags import PARSERS, NicKey, nic_settings
from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal, instance_name, interface_name, mac_address, nic_uuid
from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.vlan import Vlan, port_type_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.cluster.tags import Settings

_VARIABLES = {
    "vlan": "VLAN",
    "port_type": "PORT_TYPE",
    "max_bandwidth": "MAX_BANDWIDTH",
    "max_burst": "MAX_BURST",
}


def where(environ: Mapping[str, str]) -> str:
    """What an error is about, for people: `inst1.lab, NIC 0 (tap0 on vSwitch br0)`.

    Takes any environment, as it is asked for when something in it is wrong.
    """
    return "{}, NIC {} ({} on vSwitch {})".format(
        *(
            _plain(environ.get(name, ""))
            for name in ("INSTANCE", "INTERFACE_INDEX", "INTERFACE", "LINK")
        )
    )


def _plain(text: str) -> str:
    return quoted(text)[1:-1] or "?"


def nic_from_environment(environ: Mapping[str, str]) -> Nic:
    """The Nic that `environ` describes. Raises BadInput, one line, for anything wrong in it.

    Each setting is taken from the first place that has it: the NIC's own
    parameter, an instance tag for this NIC, one for all NICs of the instance,
    one of the NIC's network. An empty variable counts as not there, as Ganeti
    sends VLAN= for a NIC without VLAN.
    """
    index = decimal(_required(environ, "INTERFACE_INDEX"), "INTERFACE_INDEX", 4)
    tap = interface_name(_required(environ, "INTERFACE"), "INTERFACE")
    uuid = nic_uuid(_required(environ, "INTERFACE_UUID"))
    settings = _settings(environ, _tags_index(environ, index), uuid)
    vlan = settings.get("vlan", Vlan())
    port_type = settings.get("port_type")
    rate = settings.get("max_bandwidth", 0)
    burst = settings.get("max_burst", 0)
    if TYPE_CHECKING:
        assert isinstance(vlan, Vlan)
        assert port_type is None or isinstance(port_type, str)
        assert isinstance(rate, int)
        assert isinstance(burst, int)
    return Nic(
        instance=instance_name(_required(environ, "INSTANCE")),
        index=index,
        uuid=uuid,
        mac=mac_address(_required(environ, "MAC")),
        tap=tap,
        switch=interface_name(environ.get("LINK", ""), "LINK (the vSwitch)"),
        vlan=vlan,
        port_type=port_type_for(vlan, port_type),
        max_bandwidth=rate,
        max_burst=burst,
    )


def means_another(environ: Mapping[str, str], old: str, new: str) -> bool:
    """True if its tags say something else of the NIC under the index `new` than under `old`.

    Both are texts of Ganeti's index. Raises BadInput for tags that are wrong under `old`, too.
    """
    uuid = nic_uuid(_required(environ, "INTERFACE_UUID"))
    before = _settings(environ, decimal(old, "INTERFACE_INDEX", 4), uuid)
    try:
        after = _settings(environ, decimal(new, "INTERFACE_INDEX", 4), uuid)
    except BadInput:
        return True
    return before != after


def _tags_index(environ: Mapping[str, str], index: int) -> int:
    """The index by which tags mean the NIC: that under which it was plugged, if kept."""
    kept = environ.get("TAGS_INDEX", "")
    return decimal(kept, "TAGS_INDEX", 4) if kept else index


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise BadInput(f"{name} is missing in the environment; Ganeti's own scripts set it")
    return value


def _settings(environ: Mapping[str, str], index: int, uuid: str) -> Settings:
    key = NicKey(index, environ.get("INTERFACE_NAME", ""), uuid)
    own, every = nic_settings(environ.get("TAGS", ""), "instance", key)
    _none, network = nic_settings(environ.get("NETWORK_TAGS", ""), "network", key)
    merged = {**network, **every, **own}
    for setting, variable in _VARIABLES.items():
        text = environ.get(variable, "")
        if text:
            merged[setting] = PARSERS[setting](text)
    return merged
