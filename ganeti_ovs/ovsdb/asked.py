"""What ovs-vswitchd answers on its control socket about what is at work, in a limited time."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.reported import Asked
from ganeti_ovs.ovsdb import appctl
from ganeti_ovs.ovsdb.control import control_socket

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.ovsdb.unixctl import Control

_TO_ALL = "dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff"
_LIMIT = 1.0
"""Seconds for each answer; after one that does not come, nothing more is asked."""
_ALL = 2.0
"""Seconds after which nothing more is asked."""


def ask_all(
    client: Client, switches: Mapping[str, Iterable[int]], controlled: Container[str] = ()
) -> Asked:
    """Everything about these vSwitches; what could not be asked is said in it.

    `switches`: those, with the VLANs (0: none) in which a frame to all is to be traced;
    `controlled`: those of them whose flows are a controller's.
    """
    asked = Asked()
    try:
        with control_socket(client, _LIMIT) as control:
            questions = _Questions(control)
            asked = Asked(
                appctl.version(questions.ask("version")),
                appctl.datapaths(questions.ask("dpif/show")),
                appctl.bonds(questions.ask("bond/show")),
            )
            for switch in sorted(switches.keys() & (asked.datapaths or {}).keys()):
                learned = appctl.learned(questions.ask("fdb/show", switch))
                asked = replace(asked, learned={**asked.learned, switch: learned})
                traces = questions.traces(switch, switches[switch])
                floods = {vlan: appctl.flooded(text) for vlan, text in traces.items()}
                there = {vlan: ports for vlan, ports in floods.items() if ports is not None}
                asked = replace(asked, floods={**asked.floods, switch: there})
                if (
                    traces
                    and all(map(appctl.dropped, traces.values()))
                    and switch not in controlled
                ):
                    flows = appctl.dropping(questions.ask("bridge/dump-flows", switch))
                    if flows is not None:
                        asked = replace(asked, dropping={**asked.dropping, switch: flows})
    except (Error, OSError) as err:
        return replace(asked, problem=str(err))
    return asked


class _Questions:
    """Commands, as long as there is time."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._deadline = monotonic() + _ALL

    def ask(self, command: str, *arguments: str) -> str:
        """What it answers. Raises Error."""
        if monotonic() > self._deadline:
            raise Error(f"ovs-vswitchd has not answered everything within {_ALL:g} s: it is busy")
        return self._control.ask(command, *arguments)

    def traces(self, switch: str, vlans: Iterable[int]) -> dict[int, str]:
        """VLAN -> what becomes of a frame to all from the vSwitch's own port."""
        flows = {vlan: f"dl_vlan={vlan}," if vlan else "" for vlan in vlans}
        return {
            vlan: self.ask("ofproto/trace", switch, f"in_port=LOCAL,{tag}{_TO_ALL}")
            for vlan, tag in flows.items()
        }
