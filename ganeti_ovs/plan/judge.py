"""What is wrong with a node, by what was found: its status, problems with it, errors first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ganeti_ovs.model.status import Daemon, NodeStatus, Problem, Severity
from ganeti_ovs.plan.changes import Kind
from ganeti_ovs.plan.judgenic import nic_problems
from ganeti_ovs.plan.judgeswitch import switch_problems
from ganeti_ovs.plan.nicstatus import nic_statuses
from ganeti_ovs.plan.switchstatus import switch_statuses
from ganeti_ovs.plan.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ganeti_ovs.plan.changes import Change
    from ganeti_ovs.plan.found import Found, Wanted

APPLY = "gnt-ovs apply"
RESTART = "systemctl restart openvswitch-switch"


def judge(found: Found, node: str, version: str) -> NodeStatus:
    """The status of `node`, whose ganeti-ovs is of `version`."""
    switches, nics = switch_statuses(found), nic_statuses(found)
    daemon = Daemon(
        found.alive,
        found.columns.version or found.asked.version,
        found.columns.datapath_types,
        found.columns.iface_types,
    )
    of_switches = [one for switch in switches for one in switch_problems(switch, found)]
    secure = {one.subject for one in of_switches if one.kind == "secure"}
    problems = [
        *_daemon(found, needed=bool(switches or nics or found.guests is None)),
        *found.problems,
        *document_problems(found.wanted),
        *_unkept(found),
        *_drift(found, secure),
        *of_switches,
        *nic_problems(nics, switches, found),
    ]
    return NodeStatus(node, version, daemon, found.wanted.kept, switches, nics, in_order(problems))


def constant(looks: Sequence[NodeStatus]) -> NodeStatus:
    """The last of several looks, with what was wrong at each: between two, something changes."""
    *earlier, last = looks
    known = [{(one.kind, one.subject) for one in status.problems} for status in earlier]
    stays = (one for one in last.problems if all((one.kind, one.subject) in some for some in known))
    return replace(last, problems=tuple(stays))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors first, each once."""
    every = [*dict.fromkeys(problems)]
    return tuple(sorted(every, key=lambda one: one.severity != Severity.ERROR))


def _daemon(found: Found, *, needed: bool) -> Iterator[Problem]:
    if found.dead and needed:
        text = f"{found.dead}: how its ports are is not known"
        yield Problem(Severity.ERROR, "vswitchd-dead", text, repair=RESTART)


def document_problems(wanted: Wanted) -> Iterator[Problem]:
    """What is wrong with the description that the node keeps for its next start."""
    kind, text = "", ""
    if wanted.kept == "":
        kind, text = "document-broken", "the description of its vSwitches that it keeps is broken"
    elif wanted.changing:
        return
    elif wanted.sent is not None and wanted.kept is None and wanted.switches:
        kind, text = "document-missing", "it keeps no description of its vSwitches: they are not"
        text += " restored at its next start"
    elif wanted.sent is not None and wanted.kept not in (None, wanted.sent):
        kind, text = "document-differs", "it keeps another description for its next start"
    if kind:
        yield Problem(Severity.ERROR, kind, text, repair=APPLY)


def _unkept(found: Found) -> Iterator[Problem]:
    """vSwitches of ours without a description: Ganeti has not been asked what it wants."""
    wanted = found.wanted
    if wanted.sent is None and wanted.kept is None and not wanted.changing:
        names = sorted(name for name, one in found.current.bridges.items() if one.ours)
        if names:
            text = f"it keeps no description of its vSwitches, but has {', '.join(names)}"
            yield Problem(Severity.ERROR, "document-missing", text, repair=APPLY)


_CHANGES = {
    Kind.MADE: ("switch-missing", "it is not there"),
    Kind.ADOPTED: ("switch-foreign", "somebody else has made it, and it is not ours yet"),
    Kind.REMOVED: ("switch-unwanted", "it is not wanted here"),
}


def _drift(found: Found, secure: set[str]) -> Iterator[Problem]:
    """What `gnt-ovs apply` would do, or would not. Of vSwitches `secure`, fail_mode is said."""
    plan = found.plan
    if plan is None:
        return
    made = {one.switch for one in plan.changes if one.kind == Kind.MADE}
    for one in plan.changes:
        if one.switch not in made or one.kind == Kind.MADE:
            yield _change(one)
    every = {
        "impossible": (Severity.ERROR, plan.errors),
        "refused": (Severity.ERROR, plan.refused),
        "device": (Severity.ERROR, plan.devices),
        "by-hand": (Severity.WARNING, plan.stays),
    }
    for kind, (severity, lines) in every.items():
        for line in lines:
            switch, colon, text = line.partition(": ")
            if not (kind == "by-hand" and switch in secure and text.startswith("fail_mode ")):
                subject = switch if colon and " " not in switch else ""
                yield Problem(severity, kind, text if subject else line, subject)


def _change(change: Change) -> Problem:
    kind, text = _CHANGES.get(change.kind, ("differs", ""))
    said = words(change).removeprefix(f"{change.switch}: ")
    return Problem(Severity.ERROR, kind, text or f"differs: {said}", change.switch, APPLY)
