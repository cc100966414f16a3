"""By which index tags mean a NIC that comes up, where tags name NICs by index.

Only imported where they do. What Ganeti tells its scripts is not always the NIC's index.
NOTE: on a migration's target and after a reboot it is the position in the runtime file
(_ExecuteKVMRuntime in Ganeti's hv_kvm), whose order hot-plugging changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.environment import means_another
from ganeti_ovs.cluster.moved import commands, keep_index
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import records

if TYPE_CHECKING:
    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.node.records import Record

_NOBODYS = "9999"
"""An index that no NIC has."""


def with_index(here: Runtime, said: NicSettings) -> NicSettings:
    """What is said with the NIC's own index, as Ganeti's configuration has it if it is here.

    A NIC that is plugged anew (hot-modified, say) keeps the index that its tags meant it by.
    Raises Error, with the commands that help, when tags with its index mean another NIC of
    the same guest that runs.
    """
    index = (Tags(here).indices(said.instance) or {}).get(said.uuid, said.index)
    changed = said.but(index=index, tags_index="")
    others = []
    for tap, record in records.read_all(here).items():
        if record.nic.instance != said.instance or not record.nic.tags_index:
            continue
        if record.nic.uuid == said.uuid:
            changed = keep_index(changed, record.nic.tags_index)
        else:
            others.append((tap, record))
    _check(changed, others)
    return changed


def _check(nic: NicSettings, others: list[tuple[str, Record]]) -> None:
    """Raise Error if tags by the NIC's index are those of one of `others`, which runs."""
    numbers = interfaces()
    index = nic.tags_index or nic.index
    for tap, record in others:
        runs = tap in numbers and record.plug.same(records.plug_now(numbers[tap]))
        if runs and record.nic.tags_index == index and means_another(nic, _NOBODYS, index):
            other = record.nic.but(tags=nic.tags, index=index)
            raise Error(
                f"tags by index {index} are those of another NIC of this guest, on {tap}, which"
                f" was NIC {index} when plugged; write them by UUID: {commands([other])}"
            )
