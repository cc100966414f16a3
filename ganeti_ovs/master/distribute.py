"""Documents to nodes: all at once over ssh, each node on its own and in its own time.

A node that has carried its document out answers, and takes everything back unless
it hears `confirm` within CONFIRM seconds. The master confirms only after it has
reached the node by a second, new connection: the change may have cut the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from ganeti_ovs.master.answers import Answer, NotUnderstood, read_answer
from ganeti_ovs.master.transport import Connection, NoAnswer, Reach, reachable
from ganeti_ovs.plan.words import words

LIMIT = 60.0
"""Seconds that a node has for its answer."""
REACH_LIMIT = 15.0
"""Seconds that a node has to let the second connection in."""
CONFIRM = 30
"""Seconds after which a node takes an unconfirmed change back."""


@dataclass(frozen=True)
class Outcome:
    """How it went on one node."""

    node: str
    done: bool
    error: str = ""
    answer: Answer = field(default_factory=Answer)
    """All that the node said of it; empty if it did not answer."""
    understood: bool = True
    """False if what it said is of another version, or nonsense."""

    @property
    def words(self) -> tuple[str, ...]:
        """What was changed, or would be; a line each."""
        return tuple(map(words, self.answer.changes))


Told = Callable[[Outcome], None]
"""Is told of each node as soon as it has ended."""


def unheard(_outcome: Outcome) -> None:
    """Nobody wants to be told."""


def distribute(
    documents: Mapping[str, str],
    reach: Reach,
    *,
    dry_run: bool = False,
    force: bool = False,
    told: Told = unheard,
) -> dict[str, Outcome]:
    """Bring every node of `documents` (node -> document) its own; return how it went, by node.

    Never raises for a node: what went wrong there is its Outcome's error. `told` is called
    in the caller's thread.
    """
    results: dict[str, Outcome] = {}
    if not documents:
        return results
    with ThreadPoolExecutor(len(documents)) as pool:
        futures = [
            pool.submit(_checked, node, document, reach, dry_run, force)
            for node, document in documents.items()
        ]
        for future in as_completed(futures):
            outcome = future.result()
            results[outcome.node] = outcome
            told(outcome)
    return dict(sorted(results.items()))


def _checked(node: str, document: str, reach: Reach, dry_run: bool, force: bool) -> Outcome:
    try:
        return _one(node, document, reach, dry_run, force)
    except NoAnswer as err:
        return Outcome(node, False, str(err))
    except NotUnderstood as err:
        # Whether it has changed anything is not known; it takes it back without confirmation.
        answer = Answer(tried=not dry_run)
        return Outcome(node, False, str(err), answer, understood=False)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as err:
        return Outcome(node, False, f"{type(err).__name__}: {err}")


def _one(node: str, document: str, reach: Reach, dry_run: bool, force: bool) -> Outcome:
    command = f"gnt-ovs node-apply --json --confirm {0 if dry_run else CONFIRM}"
    command += " --dry-run" * dry_run + " --force" * force
    with Connection(reach(node, command)) as agent:
        answer = read_answer(agent.ask(document, LIMIT))
        error = answer.error
        if not (error or dry_run):
            # Without a change it needs no proof that the node can still be reached.
            error = _confirm(agent, reach(node, "true") if answer.changes else [])
        return Outcome(node, not error, error, answer)


def _confirm(agent: Connection, again: list[str]) -> str:
    """Tell the node to keep the change, if it can be reached `again`; return what went wrong.

    The node says that it has: also without a change, it has a document to keep.
    """
    if again and not reachable(again, REACH_LIMIT):
        return f"cannot be reached any more; it takes the change back within {CONFIRM} s"
    try:
        last = read_answer(agent.ask("confirm", REACH_LIMIT, last=True))
    except (NoAnswer, NotUnderstood) as err:
        return f"was told to keep the change, but did not say that it has: {err}"
    if not last.confirmed:
        return f"did not keep the change: {last.error or 'without saying why'}"
    return ""
