"""All vSwitches of a node as one JSON document, as the master sends it and the node keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vswitch import VSwitch, check_together, settings_of, vswitch


def to_document(switches: Iterable[VSwitch], revision: str) -> str:
    """One line of JSON: {"revision": …, "switches": {name: {setting: text}}}."""
    named = {switch.name: settings_of(switch) for switch in switches}
    return json.dumps({"revision": revision, "switches": named}, sort_keys=True)


def from_document(text: str) -> tuple[tuple[VSwitch, ...], str]:
    """(the vSwitches, the revision); everything is checked again. Raises BadInput."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("the document of the vSwitches is no JSON") from None
    named = data.get("switches") if isinstance(data, dict) else None
    revision = data.get("revision", "") if isinstance(data, dict) else None
    if not isinstance(named, dict) or not isinstance(revision, str):
        raise BadInput('the document of the vSwitches is not {"revision": …, "switches": {…}}')
    switches = []
    for name, settings in sorted(named.items()):
        if not isinstance(settings, dict) or not all(
            isinstance(value, str) for value in settings.values()
        ):
            raise BadInput("a vSwitch of the document has settings that are not text")
        switches.append(vswitch(name, settings))
    check_together(switches)
    return tuple(switches), revision
