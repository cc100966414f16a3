"""Carry a plan for the whole node out: read, plan, one transaction, applied?"""

from __future__ import annotations

from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.live import read_live
from ganeti_ovs.plan.reconcile import Node, Plan, reconcile
from ganeti_ovs.plan.wire import MARK, references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.ovsdb.session import Session
    from ganeti_ovs.plan.wire import Operation

_ATTEMPTS = 3


def read_node(client: Client, interfaces: set[str], other_taps: set[str]) -> Node:
    """What Open vSwitch has, and the two sets that the caller knows of the node."""
    live = read_live(client)
    bridges, ports, qos, queues = (
        result["rows"]
        for result in client.transact(
            [
                {"op": "select", "table": table, "where": [], "columns": columns}
                for table, columns in (
                    ("Bridge", ["name"]),
                    ("Port", ["qos"]),
                    ("QoS", ["_uuid", "external_ids", "queues"]),
                    ("Queue", ["_uuid", "external_ids"]),
                )
            ]
        )
    )
    used = {reference for port in ports for reference in references(port["qos"])}
    kept = [row for row in qos if row["_uuid"][1] in used or [*MARK] not in row["external_ids"][1]]
    kept_rows = {row["_uuid"][1] for row in kept}
    used_queues = {queue[1] for row in kept for _number, queue in row["queues"][1]}
    return Node(
        live=live,
        switches=frozenset(row["name"] for row in bridges),
        interfaces=frozenset(interfaces),
        other_taps=frozenset(other_taps),
        orphans=(
            *(("QoS", row["_uuid"][1]) for row in qos if row["_uuid"][1] not in kept_rows),
            *(
                ("Queue", row["_uuid"][1])
                for row in queues
                if [*MARK] in row["external_ids"][1] and row["_uuid"][1] not in used_queues
            ),
        ),
    )


def switch_names(client: Client) -> set[str]:
    """The vSwitches of this node."""
    operation: Operation = {"op": "select", "table": "Bridge", "where": [], "columns": ["name"]}
    return {row["name"] for row in client.transact([operation])[0]["rows"]}


def apply(
    session: Session,
    wanted: dict[str, Nic],
    interfaces: set[str],
    other_taps: set[str],
    dry_run: bool = False,
) -> Plan:
    """Give each NIC of `wanted` (by tap) its port and remove our stale ones; return what was done.

    All in one transaction, but for ports whose name is used anew: those go in
    one before it. With `dry_run`, nothing is changed. Raises Error; ports that
    ovs-vswitchd refuses are added to the plan's problems and stay, to be tried
    again when their device is there.
    """
    session.acquire()
    for attempt in range(_ATTEMPTS):
        plan = reconcile(wanted, read_node(session, interfaces, other_taps))
        if dry_run:
            return plan
        try:
            _carry_out(session, plan)
        except TransactionFailed as err:
            # A NIC's own call was quicker than we for one of these taps: look again.
            if err.error not in ("constraint violation", "timed out") or attempt + 1 == _ATTEMPTS:
                raise
            continue
        break
    live = read_live(session)
    for tap in plan.attached:
        error = live[tap].interface["error"] if tap in live else "it has gone again"
        if isinstance(error, str) and error:
            plan.problems.append(f"{tap}: ovs-vswitchd refuses the port: {error}")
    return plan


def _carry_out(session: Session, plan: Plan) -> None:
    for operations in (plan.removals, plan.operations):
        if operations:
            _results, cfg = session.commit(operations)
            session.wait_applied(cfg)
