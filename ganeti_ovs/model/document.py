"""A node's whole wanted state as one line of JSON, as the master sends it and the node keeps it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vswitch import check_together, settings_of, vswitch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.vswitch import VSwitch

FORMAT = 1
UNDER_WAY = 40.0
"""Seconds for which a change that is under way is a matter of course: node-apply waits 30 s
for the master's confirmation."""


def to_document(switches: Iterable[VSwitch], revision: str) -> str:
    """One line. `revision` names the change that it comes from (a word of the master's)."""
    wanted = {switch.name: settings_of(switch) for switch in switches}
    return json.dumps({"format": FORMAT, "revision": revision, "switches": wanted}, sort_keys=True)


def digest(text: str) -> str:
    """What two documents have in common that want the same vSwitches. Raises BadInput.

    Not of the revision, which changes with every switch of the group. The same on every Python.
    """
    try:
        data = json.loads(text)
        wanted = [(name, sorted(some.items())) for name, some in data["switches"].items()]
        return sha256(ascii(sorted(wanted)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise BadInput(f"this is no description of a node's vSwitches: {err!r}"[:200]) from err


def revision_of(text: str) -> str:
    """The document's revision; "" if it has none."""
    try:
        data = json.loads(text)
        return str(data["revision"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def sha256(text: str) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def from_document(text: str) -> tuple[tuple[VSwitch, ...], str]:
    """The vSwitches, by name, and the revision. Raises BadInput; every value is checked anew."""
    try:
        data = json.loads(text)
        form, revision, wanted = data["format"], data["revision"], data["switches"]
        fine = isinstance(revision, str) and all(
            isinstance(text, str)
            for settings in wanted.values()
            for text in (*settings.keys(), *settings.values())
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise BadInput(f"this is no description of a node's vSwitches: {err!r}"[:200]) from err
    if form != FORMAT:
        raise BadInput(f"the description is of format {form!r:.20}, not {FORMAT}: another version?")
    if not fine:
        raise BadInput("this is no description of a node's vSwitches: values must be text")
    switches = tuple(vswitch(name, settings) for name, settings in sorted(wanted.items()))
    check_together(switches)
    return switches, revision
