"""Instances and their NICs as Ganeti's configuration has them, and changes of a NIC's settings."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.cluster.plain import LIBRARY, plain
from ganeti_ovs.cluster.switchtags import TagChange
from ganeti_ovs.cluster.tags import NicKey
from ganeti_ovs.model.errors import Error, printable, quoted

_OF_NICS = ("nic.uuids", "nic.names", "nic.macs", "nic.networks", "nic.networks.names")
_FIELDS = ["name", "pnode", "admin_state", "tags", *_OF_NICS, "custom_nicparams"]
_PARAMETERS = ("mode", "link", "vlan", "port_type", "max_bandwidth", "max_burst")
"""Of a NIC's parameters; they have the names of the fields of NicSettings."""
PATCHED = ("port_type", "max_bandwidth", "max_burst")
"""Those that only a Ganeti with `patches/` has."""


@dataclass(frozen=True)
class InstanceNic:
    """A NIC."""

    said: NicSettings
    """As Ganeti would say it to a hook; no tap."""
    own: Mapping[str, str]
    """Parameters of its own (those of its network are copied into it) -> text."""
    network: str = ""
    """The name of its network; "" if it is in none."""

    @property
    def key(self) -> NicKey:
        """What tags may mean it by."""
        return NicKey(int(self.said.index), self.said.name, self.said.uuid)


@dataclass(frozen=True)
class Instance:
    """An instance."""

    name: str
    node: str
    """Its primary node."""
    up: bool
    """Whether Ganeti wants it to run."""
    tags: frozenset[str]
    nics: tuple[InstanceNic, ...]
    defaults: Mapping[str, str]
    """The cluster's NIC parameters."""
    patched: bool = False
    """True if this Ganeti has the NIC parameters of `patches/`."""

    def nic(self, text: str) -> InstanceNic:
        """The NIC that an index, name or UUID means, as in tags. Raises Error."""
        found = [nic for nic in self.nics if nic.key.is_meant_by(text.lower())]
        found = found or [nic for nic in self.nics if nic.key.is_meant_by(text)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Error(f"{self.name} has {len(found)} NICs {quoted(text)[1:-1]}; say an index")
        known = [f"{one.said.index} ({one.said.name or one.said.uuid})" for one in self.nics]
        raise Error(
            f"{self.name} has no NIC {quoted(text)[1:-1]}: it has {', '.join(known) or 'none'}"
        )

    def with_tags(self, tags: frozenset[str]) -> Instance:
        """The same with other tags."""
        text = " ".join(sorted(tags))
        nics = tuple(replace(nic, said=nic.said.but(tags=text)) for nic in self.nics)
        return replace(self, tags=tags, nics=nics)

    def with_parameters(self, uuid: str, params: Mapping[str, str | None]) -> Instance:
        """The same with parameters of one NIC changed; None: back to the cluster's."""
        nics = tuple(
            _changed(nic, params, self.defaults) if nic.said.uuid == uuid else nic
            for nic in self.nics
        )
        return replace(self, nics=nics)


def _changed(
    nic: InstanceNic, params: Mapping[str, str | None], defaults: Mapping[str, str]
) -> InstanceNic:
    own = {name: text for name, text in {**nic.own, **params}.items() if text is not None}
    filled = {**defaults, **own}
    return replace(nic, own=own, said=nic.said.but(**{p: filled.get(p, "") for p in params}))


class Instances(Master):
    """The connection to Ganeti's master daemons, for instances."""

    def find(self, name: str) -> str:
        """The full name of an instance, given as gnt-instance takes it. Raises Error."""
        with plain(self._cli):
            rows = self._client.Query(self._constants.QR_INSTANCE, ["name"], None).data
            names = [str(row[0][1]) for row in rows]
            match = importlib.import_module("ganeti.utils.text").MatchNameComponent
            found = match(name, names, case_sensitive=False)
        if found is None:
            likely = get_close_matches(name, [*names, *(n.partition(".")[0] for n in names)], 1)
            hint = f"; did you mean {printable(likely[0])}?" if likely else ""
            raise Error(f"there is no instance {quoted(name)[1:-1]}, or more than one{hint}")
        return str(found)

    def instance(self, name: str) -> Instance:
        """The instance with this full name. Raises Error."""
        with plain(self._cli):
            rows = self._client.Query(
                self._constants.QR_INSTANCE, _FIELDS, ["=", "name", name]
            ).data
            defaults = self._client.QueryClusterInfo()["nicparams"]["default"]
            networks = self._client.Query(self._constants.QR_NETWORK, ["tags", "uuid"], None).data
        if not rows:
            raise Error(f"there is no instance {name} any more")
        found = {field: value for field, (_status, value) in zip(_FIELDS, rows[0], strict=True)}
        tags = {str(uuid): _joined(some) for (_s, some), (_t, uuid) in networks}
        return instance_of(found, tags, defaults, self._knows_parameters())

    def _knows_parameters(self) -> bool:
        return set(PATCHED) <= set(self._constants.NICS_PARAMETER_TYPES)

    def change_nic(
        self,
        instance: str,
        tags: TagChange,
        nic: str,
        params: Mapping[str, str | None],
        what: str,
    ) -> None:
        """Change tags of an instance, and parameters of the NIC with this UUID, in one job.

        None as a parameter is the cluster's again. What a hook or Ganeti refuses is an Error;
        opcodes before it are done then. UnfinishedError: whether the job ends is not known. Tags
        come before tags go: a reader in between finds two that contradict and leaves a port as it
        is, rather than none. Parameters come last, as the hooks around them see to it that all
        fits together.
        """
        kind = self._constants.TAG_INSTANCE
        opcodes = [
            self._tags(verb, kind, instance, some, what)
            for verb, some in (("TagsSet", tags.add), ("TagsDel", tags.remove))
            if some
        ]
        if params:
            default = self._constants.VALUE_DEFAULT
            changes = {name: default if text is None else text for name, text in params.items()}
            opcode = self._opcodes.OpInstanceSetParams(
                instance_name=instance,
                nics=[(self._constants.DDM_MODIFY, nic, changes)],
                ignore_ipolicy=True,
                # NOTE: it is the default of 3.1, and would unplug the guest's device.
                hotplug=False,
            )
            opcode.reason = [("gnt-ovs", what, time.time_ns())]
            opcodes.append(opcode)
        if opcodes:
            self._submit(opcodes)


def instance_of(
    found: Mapping[str, Any],
    network_tags: Mapping[str, str],
    defaults: Mapping[str, Any],
    patched: bool,
) -> Instance:
    """The Instance of what Ganeti says of its fields. `network_tags`: by UUID. Raises Error."""
    columns = [found[field] for field in (*_OF_NICS, "custom_nicparams")]
    if not all(isinstance(one, list) for one in columns):
        raise Error(f"what Ganeti in {LIBRARY} says of NICs is not understood")
    base = _texts(defaults)
    tags = _joined(found["tags"])
    nics = []
    for index, (uuid, name, mac, network, network_name, own) in enumerate(
        zip(*columns, strict=True)
    ):
        params = {**base, **_texts(own)}
        said = NicSettings(
            instance=str(found["name"]),
            index=str(index),
            uuid=str(uuid),
            name=name or "",
            mac=str(mac),
            tags=tags,
            network_tags=network_tags.get(str(network), "") if network else "",
            **{one: params.get(one, "") for one in _PARAMETERS},
        )
        nics.append(InstanceNic(said, _texts(own), network_name or ""))
    return Instance(
        name=str(found["name"]),
        node=str(found["pnode"]),
        up=found["admin_state"] == "up",
        tags=frozenset(map(str, found["tags"])),
        nics=tuple(nics),
        defaults=base,
        patched=patched,
    )


def _texts(params: Any) -> dict[str, str]:
    if not isinstance(params, Mapping):
        return {}
    return {str(name): str(text) for name, text in params.items() if text is not None}


def _joined(tags: Any) -> str:
    return " ".join(sorted(map(str, tags))) if isinstance(tags, list) else ""
