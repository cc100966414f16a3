"""What changes on a node's vSwitches, as data. Words, colours and JSON are made at the doors."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ganeti_ovs.model.errors import BadInput, printable, quoted

FORMAT = 2
"""Of what a node answers to its master: another kind, or another form, is another format. Answers
without a format are of the first one, in which changes are words alone."""


class Kind(StrEnum):
    """What happens."""

    MADE = "made"
    """The vSwitch, that was not there."""
    ADOPTED = "adopted"
    """The vSwitch, that somebody else has made."""
    REMOVED = "removed"
    """The vSwitch; `names` are those that are cut off with it."""
    PORT_MADE = "port-made"
    """`subject`, the port of the uplinks `names`."""
    PORT_ADOPTED = "port-adopted"
    PORT_MOVED = "port-moved"
    """The port `subject`, from the vSwitch `old`."""
    PORT_REMOVED = "port-removed"
    UPLINK_ADDED = "uplink-added"
    """The device `subject`, to the port `new`."""
    UPLINK_REMOVED = "uplink-removed"
    """The device `subject`, from the port `old`."""
    SET = "set"
    """`setting` from `old` to `new`."""
    SAID = "said"
    """`new` is a line of a node of an older version, which says it in words."""


GOES = frozenset({Kind.REMOVED, Kind.PORT_REMOVED, Kind.UPLINK_REMOVED})
"""Something is not there any more afterwards."""


_TEXTS = ("switch", "subject", "setting", "old", "new")


@dataclass(frozen=True)
class Change:
    """One change of one vSwitch."""

    kind: Kind
    switch: str
    subject: str = ""
    """The port or device of the vSwitch that it is about; empty for the vSwitch itself."""
    setting: str = ""
    old: str = ""
    new: str = ""
    names: tuple[str, ...] = ()
    """Of kinds that say so: several devices or ports."""


def from_text(line: str) -> Change:
    """What a node of an older version says that it changes."""
    return Change(Kind.SAID, "", new=line)


def to_json(change: Change) -> dict[str, Any]:
    """As plain JSON; what is empty is left out."""
    found = {name: value for name, value in asdict(change).items() if value}
    if change.names:
        found["names"] = [*change.names]
    return {**found, "kind": str(change.kind), "switch": change.switch}


def from_json(data: object) -> Change:
    """What `to_json` made, on another node. Unknown fields are passed over. Raises BadInput."""
    if not isinstance(data, dict):
        raise BadInput(f"a change that is no object: {quoted(repr(data))}")
    kind, names = data.get("kind"), data.get("names", [])
    if not isinstance(kind, str) or kind not in [*Kind] or kind == Kind.SAID:
        raise BadInput(f"a change of unknown kind {quoted(repr(kind))}")
    texts = {name: data.get(name, "") for name in _TEXTS}
    if not isinstance(names, list) or not _are_texts([*texts.values(), *names]):
        raise BadInput(f"a change of kind {kind} with values that are no text")
    if not texts["switch"]:
        raise BadInput(f"a change of kind {kind} of no vSwitch")
    shown = {name: printable(text) for name, text in texts.items()}
    return Change(Kind(kind), names=tuple(map(printable, names)), **shown)


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(one, str) for one in values)
