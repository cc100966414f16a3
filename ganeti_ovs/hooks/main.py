"""The hook executable, 50-ovs: refuse before, tidy up after.

Ganeti tells what is going on by GANETI_HOOKS_PATH and GANETI_HOOKS_PHASE. A
failing pre hook stops the operation before anything is done; a failing post
hook is a warning. ganeti-watcher, every five minutes on every node, tells
nothing: it is known by its directory.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import nic_from_environment, where
from ganeti_ovs.cluster.hook import group_network, instance_nics, is_here, nodes_to_be
from ganeti_ovs.cluster.moved import keep_index
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.linux.ending import ended, stderr, trace
from ganeti_ovs.model.errors import BadInput, Error, quoted
from ganeti_ovs.model.names import interface_name
from ganeti_ovs.model.vlan import parse_vlan
from ganeti_ovs.node import reconcile as node
from ganeti_ovs.node.document import kept
from ganeti_ovs.node.renumbered import kept_indices, moved_indices, plugged_here
from ganeti_ovs.ovsdb.client import Client, default_socket
from ganeti_ovs.ovsdb.steps import switch_names

if TYPE_CHECKING:
    Environment = dict[str, str]

CHECKED = ("instance-add", "instance-modify", "instance-migrate", "instance-failover")
"""Operations whose NICs are checked before."""

TIDIED = (
    "instance-add", "instance-modify", "instance-migrate", "instance-failover", "instance-reboot",
    "instance-remove", "instance-start", "instance-stop", "watcher",
)  # fmt: skip
"""Operations after which the node is reconciled; `watcher` is for those that no hook follows."""

CONVERGED = ("node-add", "node-modify", "watcher")
"""Operations after which nodes may need their vSwitches: new ones, and those that are back."""
_SEND_PATIENCE = 60.0
"""Seconds for which an operation on a node waits for another change of vSwitches."""


def main() -> int:
    """The hook's exit code; what is wrong goes to standard error, a line each."""
    return ended("the hook", _main, stderr)


def _main() -> int:
    environ = dict(os.environ)
    event = environ.get("GANETI_HOOKS_PATH", "") or os.path.basename(os.path.dirname(sys.argv[0]))
    try:
        if environ.get("GANETI_HOOKS_PHASE") == "pre":
            problems = before(event, environ)
        else:
            problems = after(event, environ)
    except Error as err:
        trace()
        problems = [str(err)]
    for line in problems:
        stderr(line)
    return 1 if problems else 0


def before(event: str, environ: Environment) -> list[str]:
    """What is wrong with the operation that is about to begin."""
    if event == "network-connect":
        return _network(environ)
    if event not in CHECKED:
        return []
    here = plugged_here(environ) if event in ("instance-modify", "instance-migrate") else {}
    try:
        problems = moved_indices(event, environ, here)
    except BadInput:
        problems = []  # Said below, of the NIC that it is about.
    if problems:
        return problems
    plugged = kept_indices(event, environ, here)
    links: dict[str, str] = {}
    for nic in instance_nics(environ):
        if nic.get("MODE") != "openvswitch":
            continue
        # The tap has no name yet.
        shown = {**nic, "INTERFACE": "new"}
        try:
            # What runs keeps what tags by index gave it; it is said after the operation.
            keep_index(shown, plugged.get(nic.get("INTERFACE_UUID", ""), ""))
            links.setdefault(nic_from_environment(shown).switch, where(shown))
        except BadInput as err:
            problems.append(f"{where(shown)}: {err}")
    if links and is_here(nodes_to_be(environ)):
        missing = links.keys() - _switches(environ)
        problems += [f"{links[name]}: {_no_switch(name)}" for name in sorted(missing)]
    return problems


def after(event: str, environ: Environment) -> list[str]:
    """Bring the node to what is right now; what could not be put right."""
    if event == "cluster-verify":
        from ganeti_ovs.hooks.verify import verify

        return verify(environ)
    problems = _converge(event, environ) if event in CONVERGED else []
    if event not in TIDIED:
        return problems
    news = {nic.get("INTERFACE_UUID", ""): nic for nic in instance_nics(environ)}
    if not os.path.exists(default_socket(environ)):
        return problems  # a master or a node without Open vSwitch
    if event == "watcher":
        from ganeti_ovs.node.settle import settle_alone

        problems += settle_alone(runtime(environ))
    return problems + node.reconcile(environ, news=news).problems


def _converge(event: str, environ: Environment) -> list[str]:
    """Problems are no end: the watcher's call is also for this node's own ports."""
    from ganeti_ovs.master.converge import Busy, converge

    added = (environ.get("GANETI_NODE_NAME", ""),) if event == "node-add" else ()
    try:
        return converge(runtime(environ), 0 if event == "watcher" else _SEND_PATIENCE, added)
    except Busy as err:
        return [] if event == "watcher" else [str(err)]
    except Error as err:
        trace()
        return [str(err)]


def _network(environ: Environment) -> list[str]:
    network = group_network(environ)
    if network["MODE"] != "openvswitch":
        return []
    try:
        parse_vlan(network["VLAN"])
        switch = interface_name(network["LINK"], "link")
    except BadInput as err:
        return [str(err)]
    group = quoted(environ.get("GANETI_GROUP_NAME", ""))[1:-1]
    if switch not in _switches(environ):
        return [_no_switch(switch)]
    managed = {one.name for one in kept(runtime(environ)) or ()}
    if managed and switch not in managed:
        names = ", ".join(sorted(managed))
        return [
            f"{switch} is no vSwitch of node group {group}, which has {names};"
            f" gnt-ovs add-switch -g {group} {switch} takes it over as it is"
        ]
    return []


def _no_switch(name: str) -> str:
    return f"node {socket.gethostname()} has no vSwitch {name}"


def _switches(environ: Environment) -> set[str]:
    with Client(default_socket(environ)) as client:
        return switch_names(client)
