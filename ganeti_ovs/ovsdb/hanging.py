"""What hangs on guests' ports: whole rows, and the mirrors that refer to them, read at once."""

from __future__ import annotations

from ganeti_ovs.model.hanging import MIRROR, REFERENCES, Around
from ganeti_ovs.model.operations import Select, at
from ganeti_ovs.model.rows import Bridge, Interface, Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganeti_ovs.model.rows import Uuid
    from ganeti_ovs.ovsdb.client import Client


def read_around(client: Client, ports: Sequence[Uuid], interfaces: Sequence[Uuid]) -> Around:
    """These rows, and all mirrors."""
    mirrors, bridges, *found = client.transact(
        [
            Select(MIRROR, None, ("_uuid", "name", *REFERENCES)),
            Select(Bridge.table, None, ("name", "mirrors")),
            *(Select(Port.table, at(one)) for one in ports),
            *(Select(Interface.table, at(one)) for one in interfaces),
        ]
    )
    rows = {row.uuid: row for reply in found for row in reply.rows}
    return Around(mirrors.rows, bridges.rows, rows)
