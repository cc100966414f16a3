"""Are these NICs' settings in effect on this node? Asked of ovs-vswitchd and the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganeti_ovs.linux.devices import devices
from ganeti_ovs.linux.link import interfaces
from ganeti_ovs.linux.qdisc import limits
from ganeti_ovs.model.rows import Bridge
from ganeti_ovs.model.status import NicState, NicStatus
from ganeti_ovs.node.look import look
from ganeti_ovs.node.reconcile import PATIENCE
from ganeti_ovs.node.running import running_nics
from ganeti_ovs.node.steps import refused_taps
from ganeti_ovs.ovsdb.session import NODE, Session
from ganeti_ovs.plan.judgenic import at_work
from ganeti_ovs.plan.nicstatus import wanted_settings
from ganeti_ovs.plan.portsplan import plan_ports
from ganeti_ovs.plan.portwords import port_words

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from ganeti_ovs.cluster.news import News
    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.reported import Device, Limits
    from ganeti_ovs.node.seen import Seen

_UNPOLICED = (
    "max_bandwidth holds only for what the guest receives: {} uses the userspace datapath, which"
    " cannot police"
)
_MIXED = (
    "which tap it has is not known; restart {}, or hot-plug the NIC anew (gnt-instance modify"
    " --hotplug)"
)


@dataclass(frozen=True)
class Effect:
    """How one NIC is, which Ganeti has said something of."""

    uuid: str
    tap: str = ""
    """"": it does not run here, and the rest says nothing; "?": that is not known."""
    problem: str = ""
    """Why its settings are not in effect, in words that follow the NIC's name; "": they are."""
    warning: str = ""


def effects(here: Runtime, news: News) -> list[Effect]:
    """How the NICs are, of which `news` are. Changes nothing; they have been reconciled before.

    Raises Error if ovs-vswitchd does not carry out just now what the database has, or the kernel
    does not answer: then it is not known.
    """
    with Session(here.socket, NODE, here.limit) as session:
        session.acquire(PATIENCE)
        _results, cfg = session.commit([])
        session.wait_applied(cfg)
        seen = look(session, here, news.by_uuid, whole=news.whole)
        taps = {uuid: tap for tap, uuid in seen.runs.items()}
        problems = _problems(session, seen)
        datapaths = session.read({Bridge.table: ("name", "datapath_type")}).of(Bridge).values()
    unpoliced = {bridge.name for bridge in datapaths if not bridge.polices}
    wanted = {tap: seen.desired.nics[tap] for tap in taps.values() if tap in seen.desired.nics}
    problems |= _kernel({tap: wanted[tap] for tap in wanted if tap not in problems}, unpoliced)
    found = []
    for nic in news.nics:
        tap = taps.get(nic.uuid, "")
        if not tap and nic.instance in seen.mixed:
            found.append(Effect(nic.uuid, "?", _MIXED.format(nic.instance)))
            continue
        limited = tap in wanted and wanted[tap].max_bandwidth and wanted[tap].switch in unpoliced
        warning = _UNPOLICED.format(nic.link) if limited else ""
        found.append(Effect(nic.uuid, tap, problems.get(tap, ""), warning))
    return found


def moved(here: Runtime, news: News) -> list[str]:
    """Indices that NICs which run here had when they were plugged, and by `news` have no more.

    What tags by these indices say is theirs.
    """
    told = news.by_uuid
    found = {
        one.nic.tags_index
        for one in running_nics(here, interfaces()).values()
        if one.nic is not None and one.nic.uuid in told
        if one.nic.tags_index not in ("", told[one.nic.uuid].index)
    }
    return sorted(found)


def _problems(session: Session, seen: Seen) -> dict[str, str]:
    """Tap -> why the NIC's settings are not in effect."""
    desired, plan = seen.desired, plan_ports(seen.desired, seen.snapshot)
    there = [tap for tap in desired.nics if tap in seen.snapshot.live]
    found = {tap: "it has no port" for tap in desired.nics if tap not in there}
    found |= refused_taps(session, there)
    found |= {
        one.tap: f"it is not yet so: would have {port_words(one.change)}"
        for one in plan.steps
        if one.tap
    }
    found |= {tap: why or "its port is left as it is" for tap, why in desired.kept.items()}
    found |= dict.fromkeys(desired.others, "its mode will be openvswitch from its next start")
    return {**found, **plan.refused, **seen.wrong}


def _kernel(nics: Mapping[str, Nic], unpoliced: Container[str]) -> dict[str, str]:
    """Tap -> why the NIC's settings, which ovs-vswitchd has taken, are not in effect.

    Raises Error.
    """
    if not nics:
        return {}
    there = devices()
    has = limits({tap: there[tap].index for tap in nics if tap in there})
    return {
        tap: words
        for tap, nic in nics.items()
        if (
            words := kernel_words(
                nic, there.get(tap), has.get(tap), polices=nic.switch not in unpoliced
            )
        )
    }


def kernel_words(nic: Nic, device: Device | None, has: Limits | None, *, polices: bool) -> str:
    """Why what the kernel has is not what the NIC is to have, in words; "": it is."""
    if device is None or has is None:
        return "its tap has gone again"
    status = NicStatus(
        nic.instance,
        str(nic.index),
        nic.uuid,
        nic.tap,
        NicState.UP,
        actual=wanted_settings(nic),
        kernel_sends=has.sends if polices else None,
        kernel_receives=has.receives,
        ofport=1,
        mtu=device.mtu,
    )
    found = [f"{one.words}; {one.repair}" for one in at_work(status, nic.tap, "", has)]
    if not device.up:
        found.append(f"its tap is set down: the guest has no network; ip link set {nic.tap} up")
    return "; ".join(found)
