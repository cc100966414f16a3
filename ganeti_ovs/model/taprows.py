"""The rows that a tap has in the database already, by their UUIDs."""

from __future__ import annotations

from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.rows import Uuid


class TapRows(Frozen):
    """A port with its interfaces, and what goes with it."""

    tap: str
    port: Uuid
    port_name: str
    interface_type: str
    interfaces: frozenset[Uuid]
    marked: bool
    """True if the Interface row carries our mark."""
    iface_id: str
    """external_ids:iface-id of the Interface: the UUID of the NIC it was made for."""
    qos: tuple[Uuid, ...] = ()
    """The port's QoS row, if it is ours and no other port's, too."""
    queues: tuple[Uuid, ...] = ()
    """The Queue rows of that QoS row that are ours and of no other QoS row."""
    plug: str = ""
    """external_ids:ganeti-ovs-plug of the Interface: the plug it was made for."""
