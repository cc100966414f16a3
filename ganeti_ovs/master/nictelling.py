"""The node of an instance is told what has been stored, and says what is in effect there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganeti_ovs.cluster import news
from ganeti_ovs.master.transport import Connection, NoAnswer
from ganeti_ovs.model.errors import BadInput, printable, quoted

if TYPE_CHECKING:
    from ganeti_ovs.cluster.instances import Instance

LIMIT = 240.0
"""Seconds that a node has: twice it may wait a minute and more for others who reconcile, once for
scripts of taps, and then for ovs-vswitchd.
"""


@dataclass(frozen=True)
class OfNic:
    """What a node has said of one NIC."""

    tap: str
    """"": it does not run there."""
    problem: str
    """Why its settings are not in effect; "": they are."""
    warning: str


@dataclass(frozen=True)
class Told:
    """What came of it."""

    error: str = ""
    """Why nothing is known of the node; "": it has answered."""
    done: tuple[str, ...] = ()
    """What it has changed, or would."""
    problems: tuple[str, ...] = ()
    """What it cannot put right, also of other guests."""
    warnings: tuple[str, ...] = ()
    """What others had hung on ports that went."""
    nics: Mapping[str, OfNic] | None = None
    """By UUID; None of a dry run."""
    moved: frozenset[str] = frozenset()
    """Indices that NICs which run there had when they were plugged, and now have no more."""


def line_for(instance: Instance) -> str:
    """What the node is told of the instance."""
    return news.to_line([nic.said for nic in instance.nics], whole=instance.patched)


def tell(argv: list[str], line: str, *, limit: float = LIMIT) -> Told:
    """Start `argv`, which runs `gnt-ovs reconcile --news` on the node, and tell it. Never raises
    for what goes wrong there.
    """
    try:
        with Connection(argv) as agent:
            return _told(agent.ask(line, limit, last=True))
    except NoAnswer as err:
        said = str(err)
        # NOTE: what click says of an option that it does not know.
        if "No such option" in said and "--news" in said:
            said = "ganeti-ovs there is an older version, which cannot be told; update it"
        return Told(said.removeprefix("gnt-ovs: "))
    except BadInput as err:
        return Told(f"its answer is not understood ({err}); another version?")
    except (OSError, ValueError, RecursionError) as err:
        return Told(f"{type(err).__name__}: {err}")


def _told(data: dict[str, Any]) -> Told:
    if data.get("format") != news.FORMAT:
        raise BadInput(f"format {quoted(str(data.get('format')), 20)[1:-1]}")
    nics = data.get("nics")
    if not isinstance(nics, list) or not all(isinstance(one, dict) for one in nics):
        raise BadInput("it says nothing of NICs")
    found = {
        _text(one, "uuid"): OfNic(_text(one, "tap"), _text(one, "problem"), _text(one, "warning"))
        for one in nics
    }
    return Told(
        "",
        _lines(data, "done"),
        _lines(data, "problems"),
        _lines({"warnings": [], **data}, "warnings"),
        None if data.get("dry_run") is True else found,
        frozenset(_lines(data, "moved")),
    )


def _text(data: dict[str, Any], name: str) -> str:
    text = data.get(name)
    if not isinstance(text, str):
        raise BadInput(f"{name} of a NIC is no text")
    return printable(text)


def _lines(data: dict[str, Any], name: str) -> tuple[str, ...]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadInput(f"{name} is no list of lines")
    return tuple(map(printable, found))
