"""What an export of an instance (gnt-backup) says of its NICs, and the import has lost.

NOTE: Ganeti writes the network of a NIC without one as "None", takes that for a network when it
imports, and so leaves the NIC's mode, link and VLAN to the cluster's defaults (_ReadExportParams in
cmdlib/instance_create.py). Every NIC gets a new UUID, and the instance its old tags.
"""

from __future__ import annotations

from configparser import Error as NoIni
from configparser import RawConfigParser
from shlex import quote
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.nictags import by_uuid, option_for
from ganeti_ovs.model.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ganeti_ovs.cluster.environment import NicSettings

_LOST = ("mode", "link", "vlan")
_NONE = ("", "None")
"""As an export says that there is none."""


def read_export(environ: Mapping[str, str]) -> RawConfigParser | None:
    """The export of the hook's import; None where it cannot be read: it is on one node, and the
    hook may run on others.
    """
    parser = RawConfigParser()
    try:
        parser.read_string(files.read(f"{environ.get('GANETI_SRC_PATH')}/config.ini") or "")
    except NoIni:
        return None
    return parser if parser.has_section("instance") else None


def lost_settings(export: RawConfigParser, nics: Sequence[NicSettings]) -> Iterator[str]:
    """NICs of the imported instance that have another mode, link or VLAN than in the export.

    A line each; only if either has mode openvswitch. A NIC in a network has the network's.
    """
    for nic in nics:
        said = {
            name: text
            for name in _LOST
            if (text := export.get("instance", f"nic{nic.index}_{name}", fallback="")) not in _NONE
        }
        network = export.get("instance", f"nic{nic.index}_network", fallback="")
        lost = {name: text for name, text in said.items() if text != getattr(nic, name)}
        ours = "openvswitch" in (nic.mode, said.get("mode"))
        if network in _NONE and lost and ours:
            has = ", ".join(f"{name} {getattr(nic, name) or 'none'}" for name in lost)
            had = ", ".join(f"{name} {text}" for name, text in lost.items())
            change = ",".join(f"{name}={text}" for name, text in said.items())
            command = f"gnt-instance modify --net {quote(f'{nic.index}:{change}')} {nic.instance}"
            line = f"{nic.instance}, NIC {nic.index}: has {has}, and in the export {had}, which"
            yield printable(f"{line} gnt-backup import does not keep: {command}")


def idle_tags(nics: Sequence[NicSettings]) -> Iterator[str]:
    """Tags by UUIDs that NICs had before the import, a line each."""
    uuids = {nic.uuid for nic in nics}
    index = nics[0].index if len(nics) == 1 else "NIC"
    for tag in nics[0].tags.split() if nics else ():
        parts = by_uuid(tag)
        if parts and parts[0] not in uuids:
            name = nics[0].instance
            commands = f"gnt-ovs modify-nic {name} {index} {option_for(*parts[1:])}"
            commands += f"; gnt-instance remove-tags {name} {tag}"
            yield printable(
                f"{name}: tag {tag} means nobody, as gnt-backup import gives NICs new UUIDs:"
                f" {commands}"
            )
