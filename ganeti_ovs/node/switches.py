"""This node's vSwitches: what a document wants against what there is."""

from __future__ import annotations

from collections.abc import Mapping
from socket import if_nameindex

from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.addresses import carries
from ganeti_ovs.linux.link import Link
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node import document, pending, transaction
from ganeti_ovs.node.checkpoint import Checkpoint
from ganeti_ovs.node.document import kept
from ganeti_ovs.node.mtus import set_mtus
from ganeti_ovs.node.rollback import devices, roll_back_or_reconnect
from ganeti_ovs.node.running import running_taps
from ganeti_ovs.node.settle import settle
from ganeti_ovs.ovsdb.client import Client, TransactionFailed
from ganeti_ovs.ovsdb.session import SWITCHES, Session
from ganeti_ovs.ovsdb.switches import read_tables
from ganeti_ovs.plan.current import Current, Host
from ganeti_ovs.plan.switchplan import SwitchesPlan
from ganeti_ovs.plan.vswitch import plan_switches
from ganeti_ovs.plan.words import words

_INSIDE = ("tun", "veth", "dummy", "ifb")
"""Kinds of devices that lead to others on this node alone."""
_PATIENCE = 5.0
"""Seconds that a restoration waits for a change that is under way; a status has it for 3 s while
the database hangs.
"""


def prepare(
    client: Client,
    wanted: tuple[VSwitch, ...],
    master: str,
    known: frozenset[str] | None = None,
    running: Mapping[str, str] | None = None,
) -> tuple[SwitchesPlan, Checkpoint]:
    """What is to be done for `wanted`, and what it takes to roll it back. Changes nothing.

    `master`: the address of who calls by ssh; "": nobody does. `known`: names of the vSwitches
    that the node keeps; None: `wanted` are those. `running`: as for `Current`.
    """
    tables = read_tables(client)
    if known is None:
        known = frozenset(switch.name for switch in wanted)
    current = Current(tables, running)
    plan = plan_switches(wanted, current, host(master, wanted, known, current))
    return plan, Checkpoint([*plan.operations], tables, devices=devices(wanted, plan.mtus))


def objections(plan: SwitchesPlan, force: bool) -> list[str]:
    """Why the plan is not to be carried out, a line each.

    A device that is wrong may be forced, too: ovs-vswitchd then says what it thinks of it.
    """
    return [*plan.errors, *([] if force else [*plan.devices, *plan.refused])]


def set_up(wanted: tuple[VSwitch, ...]) -> list[str]:
    """Set all uplinks administratively up; what could not be.

    NOTE: ovs-vswitchd does not do that for devices that it has not made.
    """
    problems = []
    for switch in wanted:
        for device in switch.uplinks:
            try:
                link = Link(device)
                try:
                    link.set_up()
                finally:
                    link.close()
            except Error as err:
                problems.append(f"{switch.name}: {err}")
    return problems


def restore(runtime: Runtime, master: str, *, dry_run: bool = False) -> tuple[list[str], list[str]]:
    """Bring the node's vSwitches to the document that it keeps: (what was done, problems).

    For a node that has lost its database, without the master. A vSwitch that
    cannot be put right does not keep the others from it; none is removed. `master`: as for
    `prepare`.
    """
    done: list[str] = []
    problems: list[str] = []
    keeps, there = False, None
    try:
        keeps = kept(runtime) is not None
    except Error as err:
        problems.append(str(err))
    if not (keeps or pending.exists(runtime)):
        return done, problems
    try:
        with (
            document.change_lock(runtime, _PATIENCE),
            Session(runtime.socket, SWITCHES, runtime.limit) as session,
        ):
            session.acquire()
            settled, unsettled = settle(session, runtime, dry_run)
            done += settled
            problems += unsettled
            # As it is now: who had the lock before may have kept another one.
            restored = (kept(runtime) if keeps else None) or ()
            names = frozenset(switch.name for switch in restored)
            running = running_taps(runtime) if restored else {}
            for switch in restored:
                tables = read_tables(session)
                current = Current(tables, running)
                there = there or host(master, restored, names, current)
                plan = plan_switches((switch,), current, there, remove=False)
                against = [*plan.errors, *plan.refused]
                problems += against
                if against:
                    continue
                made = True
                if not dry_run:
                    operations = [*plan.operations]
                    checkpoint = Checkpoint(
                        operations, tables, devices=devices((switch,), plan.mtus)
                    )
                    made, odd = _restore_one(session, switch, checkpoint)
                    problems += odd
                if made:
                    done += map(words, plan.changes)
    except Busy as err:
        problems += [str(err)] if keeps or err.shared else []
    except Error as err:
        problems.append(str(err))
    return done, problems


def _restore_one(
    session: Session, switch: VSwitch, checkpoint: Checkpoint
) -> tuple[bool, list[str]]:
    """Whether it was changed, and what is not right afterwards."""
    try:
        transaction.commit(session, checkpoint.operations, checkpoint.before, ())
    except TransactionFailed as err:
        return False, [f"{switch.name}: {err}"]
    except Error as err:
        return False, [f"{switch.name}: {err}{roll_back_or_reconnect(session, checkpoint)[1]}"]
    odd = [*set_mtus(checkpoint.devices), *set_up((switch,))]
    return True, odd + transaction.refused_devices(read_tables(session), (switch,))


def host(master: str, wanted: tuple[VSwitch, ...], known: frozenset[str], current: Current) -> Host:
    """What there is of the node: of leftovers, those of vSwitches that are known; MTUs and links
    of the devices that are wanted as uplinks; which ones lead nowhere. Raises Error.
    """
    names = frozenset(name for _index, name in if_nameindex())
    mtus = {device.name: device.mtu for device in devices(wanted, {})}
    # NOTE: what ovs-vswitchd has made for a vSwitch's own interface it leaves behind when it ends.
    # On the userspace datapath these are persistent taps.
    leftovers = frozenset(one for one in names & known if _kind(one) in ("openvswitch", "tun"))
    inside = frozenset(one for one in names & current.foreign() if _kind(one) in _INSIDE)
    uplinks = names & {device for switch in wanted for device in switch.uplinks}
    links = {one: carrier for one in uplinks if (carrier := _carrier(one)) is not None}
    return Host(names, carries(master), leftovers, mtus, links, inside)


def _kind(device: str) -> str:
    """The kernel's word for what it is; "": hardware, or gone."""
    try:
        link = Link(device)
    except Error:
        return ""
    link.close()
    return link.kind


def _carrier(device: str) -> bool | None:
    """None while it is not set up, or gone."""
    try:
        link = Link(device)
    except Error:
        return None
    link.close()
    return link.carrier if link.up else None
