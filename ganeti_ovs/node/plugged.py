"""By which index tags mean a NIC that comes up, where tags name NICs by index.

Only imported where they do. What Ganeti tells its scripts is not always the NIC's index.
NOTE: on a migration's target and after a reboot it is the position in the runtime file
(_ExecuteKVMRuntime in Ganeti's hv_kvm), whose order hot-plugging changes.
"""

from __future__ import annotations

import socket

from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.environment import means_another
from ganeti_ovs.cluster.moved import commands, keep_index
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.node.records import Record

_NOBODYS = "9999"
"""An index that no NIC has."""


def settled(environ: dict[str, str]) -> dict[str, str]:
    """The environment with the NIC's own index, as Ganeti's configuration has it if it is here.

    A NIC that is plugged anew (hot-modified, say) keeps the index that its tags meant it by.
    Raises Error, with the commands that help, when tags with its index mean another NIC of
    the same guest that runs.
    """
    instance, uuid = environ.get("INSTANCE", ""), environ.get("INTERFACE_UUID", "")
    told = environ.get("INTERFACE_INDEX", "")
    index = (Tags(environ).indices(instance) or {}).get(uuid, told)
    changed = {**environ, "INTERFACE_INDEX": index}
    changed.pop("TAGS_INDEX", None)
    others = []
    for tap, record in records.read_all(environ).items():
        if record.nic.get("INSTANCE") != instance or not record.nic.get("TAGS_INDEX"):
            continue
        if record.nic.get("INTERFACE_UUID") == uuid:
            keep_index(changed, record.nic["TAGS_INDEX"])
        else:
            others.append((tap, record))
    _check(changed, others)
    return changed


def _check(nic: dict[str, str], others: list[tuple[str, Record]]) -> None:
    """Raise Error if tags by the NIC's index are those of one of `others`, which runs."""
    interfaces = {name: number for number, name in socket.if_nameindex()}
    index = nic.get("TAGS_INDEX") or nic["INTERFACE_INDEX"]
    for tap, record in others:
        runs = tap in interfaces and record.plug.same(records.plug_now(interfaces[tap]))
        if runs and record.nic["TAGS_INDEX"] == index and means_another(nic, _NOBODYS, index):
            other = {**record.nic, "TAGS": nic.get("TAGS", ""), "INTERFACE_INDEX": index}
            raise Error(
                f"tags by index {index} are those of another NIC of this guest, on {tap}, which"
                f" was NIC {index} when plugged; write them by UUID: {commands([other])}"
            )
