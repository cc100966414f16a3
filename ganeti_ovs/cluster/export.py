"""What an export of an instance (gnt-backup) says of its NICs, and the import has lost.

NOTE: Ganeti writes the network of a NIC without one as "None", takes that for a network when it
imports, and so leaves the NIC's mode, link and VLAN to the cluster's defaults (_ReadExportParams in
cmdlib/instance_create.py).
"""

from __future__ import annotations

from configparser import Error as NoIni
from configparser import RawConfigParser
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import files
from ganeti_ovs.model.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ganeti_ovs.cluster.environment import NicSettings


def lost_vlans(environ: Mapping[str, str], nics: Iterable[NicSettings]) -> Iterator[str]:
    """NICs without the VLAN that they have in the export, a line each.

    `nics` are those of the imported instance. Nothing where the export cannot be read: it is on
    one node, and the hook may run on others.
    """
    parser = RawConfigParser()
    try:
        parser.read_string(files.read(f"{environ.get('GANETI_SRC_PATH')}/config.ini") or "")
    except NoIni:
        return
    for nic in nics:
        vlan = parser.get("instance", f"nic{nic.index}_vlan", fallback="")
        if vlan not in ("", "None") and not nic.vlan:
            shown, instance = (quoted(text)[1:-1] for text in (vlan, nic.instance))
            yield (
                f"{instance}, NIC {nic.index}: has no VLAN, and VLAN {shown} in the export, which"
                f" gnt-backup import does not keep: gnt-instance modify --net"
                f" {nic.index}:mode=openvswitch,vlan={shown} {instance}"
            )
