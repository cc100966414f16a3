"""What node-apply answers, on nodes of this version, of the one before it, and of a later one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.model.errors import BadInput, Error, printable, quoted
from ganeti_ovs.plan.changes import FORMAT, Change, from_json, from_text

_FIRST = 1
"""The format of answers that name none: changes are lines of text."""
_VERSION = 40
"""Characters of a version that are shown."""


class NotUnderstood(Error):
    """Why a node's answer means nothing here, in words that go on behind its name."""


@dataclass(frozen=True)
class Answer:
    """All that a node has said of a document; nothing of it if it has not answered."""

    changes: tuple[Change, ...] = ()
    """What it has changed, or would."""
    warnings: tuple[str, ...] = ()
    error: str = ""
    applied: bool = False
    tried: bool = False
    """True if it may have changed something, if only for a moment."""
    confirmed: bool = False
    kept: bool | None = None
    """Whether it keeps this document; None if it says nothing of that."""
    version: str | None = None
    """Of ganeti-ovs there; "": it has answered without one, None: it has not answered."""


def check_format(data: Mapping[str, Any]) -> int:
    """The format of this answer. Raises NotUnderstood if it is none that is known here."""
    form = data.get("format", _FIRST)
    if type(form) is not int or form not in (_FIRST, FORMAT):
        raise NotUnderstood(
            f"speaks format {quoted(str(form), 20)[1:-1]} of another version of ganeti-ovs;"
            " update it"
        )
    return form


def read_answer(data: Mapping[str, Any]) -> Answer:
    """One line of node-apply's. Raises NotUnderstood."""
    form = check_format(data)
    try:
        if form == _FIRST:
            changes = tuple(map(from_text, _lines(data, "changes")))
        else:
            changes = tuple(map(from_json, _list(data, "differences")))
        warnings = tuple(_lines(data, "warnings"))
    except BadInput as err:
        raise NotUnderstood(f"its answer is not understood: {err}") from err
    kept = data.get("kept")
    return Answer(
        changes=changes,
        warnings=warnings,
        error=printable(str(data.get("error") or "")),
        applied=data.get("applied") is True,
        tried=data.get("tried") is True,
        confirmed=data.get("confirmed") is True,
        kept=kept if isinstance(kept, bool) else None,
        version=version_in(data),
    )


def version_in(data: Mapping[str, Any]) -> str:
    """The version of ganeti-ovs that answers; "" if it does not say, as older ones do."""
    return printable(str(data.get("version") or ""))[:_VERSION]


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name, [])
    if not isinstance(found, list):
        raise BadInput(f"{name} that are no list")
    return found


def _lines(data: Mapping[str, Any], name: str) -> list[str]:
    found = _list(data, name)
    if not all(isinstance(one, str) for one in found):
        raise BadInput(f"{name} that are no text")
    return [printable(one) for one in found]
