"""What nodes have: asked at once over ssh, each node in its own time. Nothing is guessed.

A node answers `gnt-ovs node-apply --json --have` with the digest of the document that it keeps, and
with the one that it has tried and taken back; or that a change is under way.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ganeti_ovs.master.answers import NotUnderstood, check_format, version_in
from ganeti_ovs.master.transport import Connection, NoAnswer, Reach
from ganeti_ovs.model.document import digest

QUESTION = "node-apply --json --have"
LIMIT = 15.0
"""Seconds that a node has for its answer."""
_NONE = digest('{"switches": {}}')


@dataclass(frozen=True)
class Have:
    """What one node says that it has."""

    unknown: str = ""
    """Why it is not known; "" if it is."""
    older: bool = False
    """True if the node's version does not know the question."""
    kept: str | None = None
    """Digest of the document that it keeps; None if it keeps none."""
    tried: str = ""
    """Digest of the document that it has tried last, and taken back; "" for none."""
    why: str = ""
    """Why it has."""
    version: str | None = None
    """Of ganeti-ovs there, as in `ganeti_ovs.master.answers.Answer`."""
    under_way: bool = False
    """True if it is being changed, or waits to be confirmed: what it will have is open."""

    def has(self, made: str) -> bool:
        """Whether it needs this document no more; none is as good as an empty one."""
        return self.kept == made or (self.kept is None and made == _NONE)


def ask(nodes: Iterable[str], reach: Reach) -> dict[str, Have]:
    """Node -> what it has. Never raises for a node."""
    names = sorted(nodes)
    if not names:
        return {}
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda node: _checked(node, reach), names), strict=True))


def _checked(node: str, reach: Reach) -> Have:
    try:
        with Connection(reach(node, f"gnt-ovs {QUESTION}")) as agent:
            answer = agent.ask(None, LIMIT, last=True)
            found = _have(answer)
            version = version_in(answer)
            return replace(found, version=version or (None if found.unknown else ""))
    except NoAnswer as err:
        said = str(err)
        # NOTE: what click says of an option that it does not know.
        return Have(unknown=said, older="No such option" in said and "--have" in said)
    except NotUnderstood as err:
        return Have(unknown=str(err))
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as err:
        return Have(unknown=f"{type(err).__name__}: {err}")


def _have(answer: dict[str, Any]) -> Have:
    check_format(answer)
    kept, tried = answer.get("have", ...), answer.get("tried")
    if isinstance(answer.get("error"), str):
        return Have(unknown=answer["error"])
    if not (kept is None or isinstance(kept, str)):
        return Have(unknown="its answer says nothing of what it has; another version?")
    if not isinstance(tried, dict):
        return Have(kept=kept, under_way=answer.get("under_way") is True)
    return Have(kept=kept, tried=str(tried.get("digest")), why=str(tried.get("error")))
