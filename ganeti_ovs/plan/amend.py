"""What a port lacks that was attached before its vSwitch's row was known.

One tap reads that row in the transaction that makes its port: only where the row asks for
something, which is rare, a second one follows.
"""

from __future__ import annotations

from ganeti_ovs.model.operations import Mutate, Mutation, Update, at
from ganeti_ovs.model.rows import MTU_BEFORE, TAP_MTU, Bridge, Interface, Port
from ganeti_ovs.plan.port import NO_TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.operations import Operations
    from ganeti_ovs.model.rows import Uuid


def amend(bridge: Bridge, interface: Uuid, port: Uuid) -> Operations:
    """Operations for these two rows, that have just been inserted."""
    operations: Operations = []
    if bridge.guest_mtu:
        before = Mutation("external_ids", "insert", {MTU_BEFORE: str(TAP_MTU)})
        operations += [
            Update(Interface.table, at(interface), {"mtu_request": bridge.guest_mtu}),
            Mutate(Interface.table, at(interface), (before,)),
        ]
    if bridge.has_tree:
        part = Mutation("other_config", "delete", frozenset(NO_TREE))
        operations.append(Mutate(Port.table, at(port), (part,)))
    return operations
