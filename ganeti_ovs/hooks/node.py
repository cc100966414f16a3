"""This node brought to the right state: what runs here against what Open vSwitch has."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import records
from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.environment import nic_from_environment, where
from ganeti_ovs.cluster.link import Link
from ganeti_ovs.cluster.running import running_nics
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.ovsdb import node
from ganeti_ovs.ovsdb.client import default_socket
from ganeti_ovs.ovsdb.session import Session, apply_limit

if TYPE_CHECKING:
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.plan.reconcile import Plan

    Environment = dict[str, str]


def reconcile(
    environ: Environment,
    *,
    news: dict[str, Environment] | None = None,
    database: str | None = None,
    dry_run: bool = False,
) -> Plan:
    """Reconcile this node; return what was done (or would be, with `dry_run`).

    `news` are NICs as Ganeti has them now (UUID -> environment), for what a
    hook has just been told; they go before what was known. A NIC whose settings
    are wrong is a problem of the plan, its port is left as it is. Raises Error
    when Open vSwitch cannot be reached or does not apply the change.
    """
    interfaces = {name for _index, name in socket.if_nameindex()}
    nics = running_nics(environ, interfaces)
    tags = Tags(environ)
    wanted: dict[str, Nic] = {}
    problems: list[str] = []
    others: set[str] = set()
    for tap, known in nics.items():
        current = tags.refresh(known)
        told = (news or {}).get(known.get("INTERFACE_UUID", ""), {})
        if told.get("MODE") == known.get("MODE"):
            # A running tap keeps its mode until the guest is started anew.
            current.update(told)
        if current.get("MODE") != "openvswitch":
            others.add(tap)
            continue
        try:
            wanted[tap] = nic_from_environment(current)
        except BadInput as err:
            problems.append(f"{where(current)}: {err}")
            interfaces.add(tap)
            continue
        if not dry_run:
            records.write(environ, current)
    path = database or default_socket(environ)
    with Session(path, "reconcile", apply_limit(environ)) as session:
        plan = node.apply(session, wanted, interfaces, others, dry_run)
    plan.problems.extend(problems)
    if not dry_run:
        _finish(environ, plan, interfaces)
    return plan


def _finish(environ: Environment, plan: Plan, interfaces: set[str]) -> None:
    for tap in plan.attached:
        try:
            Link(tap).set_up()
        except Error as err:
            plan.problems.append(str(err))
    for tap in records.read_all(environ).keys() - interfaces:
        records.forget(environ, tap)
