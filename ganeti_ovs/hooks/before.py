"""Before an operation: what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import vswitch_of, where
from ganeti_ovs.cluster.hook import (
    group_network,
    hostname,
    instance_nics,
    is_cleanup,
    is_here,
    is_master,
    nic_networks,
    nodes_to_be,
    route,
    stands_still,
)
from ganeti_ovs.cluster.moved import keep_index
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.cluster.tags import by_index
from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import interface_name
from ganeti_ovs.model.vlan import parse_vlan
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.ovsdb.find import switch_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime

CHECKED = ("instance-add", "instance-modify", "instance-migrate", "instance-failover")
"""Operations whose NICs are checked before."""

_RENUMBERED = ("instance-modify", "instance-migrate")
"""Those among them that may give NICs other indices."""

_MOVED = ("instance-migrate", "instance-failover")
"""Those among them after which the guest runs on another node."""

_NO_TAP = "new"
"""What stands for the name of a tap that is still to come."""


def before(event: str, environ: Mapping[str, str]) -> list[str]:
    """What is wrong with the operation that is about to begin, in lines. Raises Error."""
    if event == "network-connect":
        return _network(environ)
    if event not in CHECKED:
        return []
    if is_cleanup(environ):
        return []  # Nobody moves, and nothing is plugged.
    here, nics = runtime(environ), instance_nics(environ)
    plugged: dict[str, str] = {}
    if event in _RENUMBERED and any(by_index(nic.tags) for nic in nics):
        from ganeti_ovs.node import renumbered

        problems, plugged = renumbered.check(here, event, nics, still=stands_still(environ))
        if problems:
            return problems
    problems = _across(here, environ, nics) if event in _MOVED else []
    return problems + _nics(here, nics, plugged, soon=is_here(nodes_to_be(environ)))


def _across(here: Runtime, environ: Mapping[str, str], nics: list[NicSettings]) -> list[str]:
    """Which networks are others, or none, in the node group that the guest is about to go to.

    Ganeti does not look. The master alone does, which has the configuration.
    """
    networks = nic_networks(environ)
    some = [one for one in nics if one.mode == "openvswitch" and one.uuid in networks]
    if not some or not is_master(here):
        return []
    from ganeti_ovs.cluster.groups import Groups, elsewhere

    groups = Groups(here)
    old, new = map(groups.of, route(environ))
    if not (old and new) or old == new:
        return []
    words = ((one, elsewhere(groups, one, networks[one.uuid], old, new)) for one in some)
    return [f"{where(one, _NO_TAP)}: {why}" for one, why in words if why]


def _nics(
    here: Runtime, nics: list[NicSettings], plugged: Mapping[str, str], *, soon: bool
) -> list[str]:
    """What is wrong with the NICs; `soon`: they may run on this node then, so it has vSwitches."""
    problems: list[str] = []
    links: dict[str, str] = {}
    for nic in nics:
        if nic.mode != "openvswitch":
            continue
        shown = where(nic, _NO_TAP)
        try:
            # What runs keeps what tags by index gave it; it is said after the operation.
            links.setdefault(vswitch_of(keep_index(nic, plugged.get(nic.uuid, ""))), shown)
        except BadInput as err:
            problems.append(f"{shown}: {err}")
    if links and soon:
        missing = links.keys() - _switches(here)
        problems += [f"{links[name]}: {_no_switch(name)}" for name in sorted(missing)]
    return problems


def _network(environ: Mapping[str, str]) -> list[str]:
    mode, link, vlan = group_network(environ)
    if mode != "openvswitch":
        return []
    try:
        parse_vlan(vlan)
        switch = interface_name(link, "link")
    except BadInput as err:
        return [str(err)]
    here = runtime(environ)
    if switch not in _switches(here):
        return [_no_switch(switch)]
    from ganeti_ovs.node.document import kept_names

    name = environ.get("GANETI_GROUP_NAME", "")
    group, said = quoted(name)[1:-1], _of_group(here, name)
    if said is None:
        # Of the group that the node was in when it got them.
        whose, names = f"node {hostname()}, which keeps", kept_names(here)
    else:
        whose, names = f"node group {group}, which has", said
    if not names or switch in names:
        return []
    return [
        f"{switch} is no vSwitch of {whose} {', '.join(sorted(names))};"
        f" gnt-ovs add-switch -g {group} {switch} takes it over as it is"
    ]


def _of_group(here: Runtime, name: str) -> frozenset[str] | None:
    """The vSwitches that are kept for a node group; None if this node does not know."""
    from ganeti_ovs.cluster.groups import Groups
    from ganeti_ovs.cluster.switchtags import read_tags

    tags = Groups(here).tags(name)
    try:
        return None if tags is None else frozenset(read_tags(tags, f"node group {name}").switches)
    except BadInput:
        return None


def _no_switch(name: str) -> str:
    return f"node {hostname()} has no vSwitch {name}"


def _switches(here: Runtime) -> set[str]:
    with Client(here.socket) as client:
        return switch_names(client)
