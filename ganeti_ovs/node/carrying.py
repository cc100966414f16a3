"""What others have hung on ports that go, given to the ports that take their places.

A NIC's new port is known by the NIC's UUID: it may be on another tap.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ganeti_ovs.ovsdb.hanging import read_around
from ganeti_ovs.plan.carry import Hanging, hanging_on, into, onto
from ganeti_ovs.plan.portchanges import PortKind
from ganeti_ovs.plan.portsplan import still_there

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.hanging import Around
    from ganeti_ovs.model.nic import Nic
    from ganeti_ovs.model.snapshot import Live, Snapshot
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.plan.portsplan import DesiredPorts, PortsPlan, PortStep


class Carrying:
    """From look to look: a port may go in a transaction before that in which the new one comes."""

    def __init__(self) -> None:
        self._hung: dict[str, Hanging] = {}
        """UUID of a NIC -> what hung on its port."""

    def with_carried(
        self, client: Client, desired: DesiredPorts, snapshot: Snapshot, plan: PortsPlan
    ) -> PortsPlan:
        """The plan that carries over, too. Reads the database if ports go."""
        going = [step.goes for step in plan.steps if step.goes]
        if not going and not self._hung:
            return plan
        made = {step.tap for step in plan.steps if _makes(step)}
        live = snapshot.live
        ours = {tap for tap, one in live.items() if one.found.marked}
        nics = [nic for tap, nic in desired.nics.items() if tap in made or tap in ours]
        heirs = {nic.uuid: nic for nic in nics}
        stays = {nic.uuid: live[nic.tap] for nic in nics if nic.tap not in made}
        read = [
            one
            for gone in going
            for one in (gone, stays.get(_heir(gone, heirs)))
            if one is not None
        ]
        around = read_around(
            client, [one.port.uuid for one in read], [one.interface.uuid for one in read]
        )
        for gone in going:
            uuid = _heir(gone, heirs)
            if uuid:
                hanging = hanging_on(gone.port.uuid, gone.interface.uuid, around)
                self._hung[uuid] = hanging.only(heirs[uuid].switch)
        steps = [self._carried(step, around, heirs, stays) for step in plan.steps]
        return replace(plan, steps=tuple(steps))

    def _carried(
        self, step: PortStep, around: Around, heirs: dict[str, Nic], stays: dict[str, Live]
    ) -> PortStep:
        change, operations, unchanged = step.change, step.operations, step.unchanged
        hanging, heir = None, ""
        if _makes(step) and step.nic and step.nic.uuid in self._hung:
            hanging = self._hung[step.nic.uuid]
            operations = into(operations, hanging)
        if step.goes:
            uuid = _heir(step.goes, heirs)
            hung = hanging_on(step.goes.port.uuid, step.goes.interface.uuid, around)
            lost = hung.beyond(self._hung.get(uuid))
            change = replace(change, lost=lost, heir=bool(uuid))
            if uuid in stays and uuid in self._hung:
                hanging, live = self._hung[uuid], stays[uuid]
                rows = around.rows
                if live.port.uuid in rows and live.interface.uuid in rows:
                    more = onto(rows[live.port.uuid], rows[live.interface.uuid], hanging)
                    operations = [*operations, *more]
                    heir, unchanged = live.found.tap, [*unchanged, *still_there(live)]
        if hanging:
            change = replace(change, carried=hanging.words())
        return replace(step, change=change, operations=operations, unchanged=unchanged, heir=heir)


def _makes(step: PortStep) -> bool:
    return step.change.kind in (PortKind.ATTACHED, PortKind.REPLACED)


def _heir(gone: Live, heirs: Iterable[str]) -> str:
    """The UUID of the NIC whose port it was, if that gets or has another one; else ""."""
    uuid = gone.found.iface_id
    return uuid if gone.found.marked and uuid in heirs else ""
