"""Nodes' statuses: asked at once over ssh, each node with what is wanted of it, in its own time.

A node answers `gnt-ovs node-status` with one line of JSON. One that does not answer hides nothing
of the others: why its status is unknown is a problem of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.master.answers import NotUnderstood
from ganeti_ovs.master.transport import Connection, NoAnswer, Reach
from ganeti_ovs.model.errors import BadInput, printable, quoted
from ganeti_ovs.model.plain import from_plain
from ganeti_ovs.model.status import FORMAT, NodeStatus, Problem, Severity

QUESTION = "node-status"
LIMIT = 30.0
"""Seconds that a node has for its answer: it waits 3 s for ovs-vswitchd, and for a change that is
under way."""


@dataclass(frozen=True)
class Asked:
    """What one node says of itself."""

    node: str
    status: NodeStatus | None = None
    """None if it is not known."""
    unknown: str = ""
    """Why."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong with it; also that its status is not known."""
        if self.status is None:
            words = f"its status is unknown: {self.unknown}"
            return (Problem(Severity.ERROR, "no-status", words),)
        problems = self.status.problems
        if not self.status.errors and not _lives(self.status):
            words = "Open vSwitch does not work there, or nothing is known of it"
            return (Problem(Severity.ERROR, "vswitchd-dead", words), *problems)
        return problems


def _lives(status: NodeStatus) -> bool:
    """Whether Open vSwitch works, or nothing there needs it."""
    alive = status.daemon is not None and status.daemon.alive
    return alive or not (status.switches or status.nics)


def unheard(_asked: Asked) -> None:
    """Nobody wants to be told."""


def ask_statuses(
    documents: Mapping[str, str | None],
    reach: Reach,
    told: Callable[[Asked], None] = unheard,
) -> dict[str, Asked]:
    """Node -> its status, judged by its document; by the one that it keeps, if that is None.

    Never raises for a node. `told` is called in the caller's thread, as soon as one has ended.
    """
    found: dict[str, Asked] = {}
    if not documents:
        return found
    with ThreadPoolExecutor(len(documents)) as pool:
        futures = [pool.submit(_checked, node, text, reach) for node, text in documents.items()]
        for future in as_completed(futures):
            asked = future.result()
            found[asked.node] = asked
            told(asked)
    return dict(sorted(found.items()))


def _checked(node: str, document: str | None, reach: Reach) -> Asked:
    try:
        with Connection(reach(node, f"gnt-ovs {QUESTION}" + " --document" * bool(document))) as one:
            return Asked(node, read_status(one.ask(document, LIMIT, last=True)))
    except (NoAnswer, NotUnderstood) as err:
        return Asked(node, unknown=why_none(str(err), QUESTION))
    except ValueError:
        return Asked(node, unknown="its answer is not whole; another ganeti-ovs?")
    except (OSError, LookupError, TypeError, RecursionError) as err:
        return Asked(node, unknown=f"{type(err).__name__}: {err}")


def read_status(data: Mapping[str, Any]) -> NodeStatus:
    """A node's answer. Raises NotUnderstood."""
    form = data.get("format")
    if type(form) is not int or form != FORMAT:
        said = quoted(str(form), 20)[1:-1]
        raise NotUnderstood(f"it speaks format {said} of another ganeti-ovs; update it there")
    error = data.get("error")
    if isinstance(error, str):
        raise NotUnderstood(printable(error))
    try:
        return from_plain(NodeStatus, {name: one for name, one in data.items() if name != "format"})
    except BadInput as err:
        raise NotUnderstood(f"its answer is not understood ({err}); another ganeti-ovs?") from err


def why_none(said: str, command: str) -> str:
    """What a node has said instead of an answer to a command of ours, in words that help."""
    # NOTE: what click says of a command that it does not know, and shells of a program.
    if "No such command" in said and command in said:
        return "an older ganeti-ovs, which does not say it; update it there"
    if "gnt-ovs" in said and said.endswith("not found"):
        return "ganeti-ovs is not installed there"
    return said
