"""A node's whole wanted state as one line of JSON, as the master sends it and the node keeps it."""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.jsontext import values
from ganeti_ovs.model.vswitch import check_together, settings_of, vswitch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganeti_ovs.model.vswitch import VSwitch

FORMAT = 1


def to_document(switches: Iterable[VSwitch], revision: str) -> str:
    """One line. `revision` names the change that it comes from (a word of the master's)."""
    import json

    wanted = {switch.name: settings_of(switch) for switch in switches}
    return json.dumps({"format": FORMAT, "revision": revision, "switches": wanted}, sort_keys=True)


def from_document(text: str) -> tuple[tuple[VSwitch, ...], str]:
    """The vSwitches, by name, and the revision. Raises BadInput; every value is checked anew."""
    try:
        found, rest = values(text.strip())
        if len(found) != 1 or rest < len(text.strip()):
            raise ValueError("not one value of JSON")
        data = found[0]
        form, revision, wanted = data["format"], data["revision"], data["switches"]
        fine = isinstance(revision, str) and all(
            isinstance(text, str)
            for settings in wanted.values()
            for text in (*settings.keys(), *settings.values())
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise BadInput(f"this is no description of a node's vSwitches: {err!r}"[:200]) from None
    if form != FORMAT:
        raise BadInput(f"the description is of format {form!r:.20}, not {FORMAT}: another version?")
    if not fine:
        raise BadInput("this is no description of a node's vSwitches: values must be text")
    switches = tuple(vswitch(name, settings) for name, settings in sorted(wanted.items()))
    check_together(switches)
    return switches, revision
