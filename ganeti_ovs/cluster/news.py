"""What Ganeti has just said of an instance's NICs, as a line of JSON from the master to a node.

Changing tags fires no hook, and most nodes of a large cluster have no copy of Ganeti's
configuration: they are told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import decimal, instance_name, nic_uuid

FORMAT = 1
LONGEST = 1 << 20
"""Bytes of the line: 4096 tags of 128 characters, and as much for networks."""
_MOST = 64
"""NICs; Ganeti allows 8."""
_FIELDS = (
    "index", "uuid", "name", "mac", "mode", "link", "vlan", "port_type", "max_bandwidth",
    "max_burst", "network_tags",
)  # fmt: skip
"""Of each NIC; the instance and its tags are said once."""


@dataclass(frozen=True)
class News:
    """All NICs of one instance, as a hook would be told of them."""

    nics: tuple[NicSettings, ...]
    whole: bool
    """False if this Ganeti does not have the NIC parameters of `patches/`."""

    @property
    def by_uuid(self) -> dict[str, NicSettings]:
        """UUID -> NIC."""
        return {nic.uuid: nic for nic in self.nics}


def to_line(nics: Sequence[NicSettings], *, whole: bool) -> str:
    """The line, without its end, of at least one NIC."""
    data = {
        "format": FORMAT,
        "whole": whole,
        "instance": nics[0].instance,
        "tags": nics[0].tags,
        "nics": [
            {name: getattr(nic, name) for name in _FIELDS if getattr(nic, name)} for nic in nics
        ],
    }
    return json.dumps(data, separators=(",", ":"))


def from_line(line: str) -> News:
    """The news, all of the form that Ganeti's have; what settings say is checked by who uses them.

    What a later release may say besides is passed over. Raises BadInput.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as err:
        raise BadInput("the news on standard input are no JSON") from err
    if not isinstance(data, dict):
        raise BadInput("the news on standard input are no JSON object")
    if data.get("format") != FORMAT or type(data["format"]) is not int:
        raise BadInput(
            f"the news have format {quoted(str(data.get('format')), 20)[1:-1]} of another version"
            " of ganeti-ovs; update it"
        )
    whole, nics = data.get("whole"), data.get("nics")
    if not isinstance(whole, bool) or not isinstance(nics, list) or not 0 < len(nics) <= _MOST:
        raise BadInput("the news name no NICs, or too many, or not what Ganeti knows of them")
    instance = instance_name(_text(data, "instance"))
    found = tuple(_nic(one, instance, _text(data, "tags")) for one in nics)
    if len({nic.uuid for nic in found}) < len(found):
        raise BadInput(f"the news of {instance} name a NIC twice")
    return News(found, whole)


def _nic(data: Any, instance: str, tags: str) -> NicSettings:
    if not isinstance(data, dict):
        raise BadInput(f"a NIC of {instance} is no object in the news")
    said = NicSettings(
        instance=instance, tags=tags, **{name: _text(data, name) for name in _FIELDS}
    )
    decimal(said.index, "INTERFACE_INDEX", 4)
    if nic_uuid(said.uuid) != said.uuid:
        raise BadInput(f"INTERFACE_UUID {quoted(said.uuid)} is not in lower case")
    return said


def _text(data: dict[str, Any], name: str) -> str:
    text = data.get(name, "")
    # A record of it is NAME=value lines; and so are environments.
    if not isinstance(text, str) or not text.isprintable():
        raise BadInput(f"{name} is no line of text in the news")
    return text
