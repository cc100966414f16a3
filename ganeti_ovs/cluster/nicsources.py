"""Where each setting of a NIC comes from: what is said of it, first what counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import vswitch_of
from ganeti_ovs.cluster.nictags import EVERY, canonical
from ganeti_ovs.cluster.tags import PARSERS, PREFIX, parts_of
from ganeti_ovs.model.vlan import parse_vlan, port_type_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganeti_ovs.cluster.instances import Instance, InstanceNic

_NOTHING = {"vlan": "", "port_type": "", "max_bandwidth": "0", "max_burst": "0"}


@dataclass(frozen=True)
class Word:
    """One thing that is said of a setting."""

    text: str
    """The value in its canonical form."""
    source: str
    """Who says so, in words."""


@dataclass(frozen=True)
class Finding:
    """All that is said of one setting."""

    text: str
    """What counts, in its canonical form."""
    source: str
    unused: tuple[Word, ...] = ()
    """What does not, as something else goes before it."""


def findings(instance: Instance, nic: InstanceNic) -> dict[str, Finding]:
    """Setting -> what is said of it. Raises BadInput as the NIC's start would."""
    vswitch_of(nic.said)
    found: dict[str, Finding] = {}
    for setting in PARSERS:
        words = [*_words(instance, nic, setting)]
        if words:
            found[setting] = Finding(words[0].text, words[0].source, tuple(words[1:]))
        else:
            found[setting] = Finding(_NOTHING[setting], "default")
    if found["port_type"].source == "default":
        natural = port_type_for(parse_vlan(found["vlan"].text), None)
        found["port_type"] = Finding(natural, "follows from vlan")
    return found


def vlan_by_tags(instance: Instance, nic: InstanceNic) -> bool:
    """True if tags give it VLANs, should it have no parameter that does. Unchecked."""
    words = [*_words(instance, nic, "vlan")]
    return bool(words and words[0].text)


def _words(instance: Instance, nic: InstanceNic, setting: str) -> Iterator[Word]:
    text = str(getattr(nic.said, setting))
    if text:
        yield Word(canonical(setting, text), _parameter(instance, nic, setting))
    ranks: dict[int, list[Word]] = {}
    for tag in sorted(instance.tags):
        parts = parts_of(tag)
        if parts is None or parts[1] != setting:
            continue
        which = parts[0]
        if which == EVERY:
            rank = 2
        elif nic.key.is_meant_by(which):
            rank = 0 if which == nic.said.uuid else 1
        else:
            continue
        ranks.setdefault(rank, []).append(Word(canonical(setting, parts[2]), f"tag {tag}"))
    for tag in sorted(nic.said.network_tags.split()):
        parts = parts_of(tag)
        if parts is not None and parts[:2] == (EVERY, setting):
            source = f"tag {tag} of network {nic.network}"
            ranks.setdefault(3, []).append(Word(canonical(setting, parts[2]), source))
    for rank in sorted(ranks):
        yield from ranks[rank]


def _parameter(instance: Instance, nic: InstanceNic, setting: str) -> str:
    if setting not in nic.own:
        return "parameter of the cluster"
    if nic.network and (setting == "vlan" or not instance.patched):
        return f"parameter of network {nic.network}"
    return "parameter of the NIC"


def nobodys(instance: Instance) -> list[str]:
    """Tags that name a NIC that the instance does not have."""
    found = []
    for tag in sorted(instance.tags):
        parts = parts_of(tag) if tag.startswith(PREFIX) else None
        if parts is None or parts[0] == EVERY:
            continue
        if not any(nic.key.is_meant_by(parts[0]) for nic in instance.nics):
            found.append(tag)
    return found
