"""One node-apply: what there is, what is to be changed, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node.calls import LONGEST, Calls
from ganeti_ovs.node.checkpoint import Checkpoint
from ganeti_ovs.node.commit import Commit
from ganeti_ovs.node.document import kept, kept_names
from ganeti_ovs.node.phases import Phase
from ganeti_ovs.node.running import running_taps
from ganeti_ovs.node.settle import settle
from ganeti_ovs.node.switches import objections, prepare
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.plan.changes import to_json
from ganeti_ovs.plan.switchplan import SwitchesPlan
from ganeti_ovs.plan.words import words

Answer = dict[str, Any]
"""As it is printed as JSON."""
Tell = Callable[[Answer], bool]
"""Takes an answer to who has called us; False if nobody hears it any more."""

_ATTEMPTS = 3
_MARGIN = 30.0
"""Seconds, besides those of ovs-vswitchd, that reading and writing rows may take in all."""


@dataclass(frozen=True)
class Request:
    """What node-apply is asked for."""

    wanted: tuple[VSwitch, ...]
    text: str
    """The document that says so."""
    force: bool
    """Do what is refused otherwise."""
    master: str
    """The address of who calls by ssh; "": nobody does."""


class Agent:
    """Carries a request out, the locks being held."""

    def __init__(
        self, session: Session, calls: Calls, runtime: Runtime, request: Request, tell: Tell
    ) -> None:
        self.session, self.calls, self.runtime = session, calls, runtime
        self.request, self.tell = request, tell
        self.commit: Commit | None = None
        self.earlier: list[str] = []
        """What became of an earlier change that nobody had finished."""

    @property
    def tried(self) -> bool:
        """True if something may have been changed, if only for a moment."""
        return self.commit is not None and self.commit.touched

    def settle(self, dry_run: bool) -> None:
        """First, an earlier change that nobody has finished."""
        done, problems = settle(self.session, self.runtime, dry_run)
        self.earlier = [f"would have {one}" if dry_run else one for one in done] + problems

    def dry(self) -> str:
        """Tell what would be done; why it would be refused, or ""."""
        plan, _checkpoint = self._prepare()
        against = "; ".join(objections(plan, self.request.force))
        warnings = [*self._forced(plan), *self.earlier, *plan.warnings]
        answer: Answer = {"applied": False, "dry_run": True, **_planned(plan, warnings)}
        # None is as good as an empty one.
        answer["kept"] = (kept(self.runtime) or ()) == self.request.wanted
        self.tell({**answer, **({"error": against} if against else {})})
        return against

    def apply(self, confirm: float) -> bool:
        """Change what is to be changed, and keep the document; False if it was rolled back.

        With `confirm`, the master must confirm it within so many seconds. Raises Error.
        """
        for _attempt in range(_ATTEMPTS):
            plan, checkpoint = self._prepare()
            against = objections(plan, self.request.force)
            if against:
                raise Error("; ".join(against))
            self.commit = Commit(
                self.session, self.runtime, self.request.wanted, self.request.text, checkpoint
            )
            try:
                return self._carry_out(self.commit, plan, confirm)
            except TransactionFailed as err:
                if self.commit.phase is not Phase.DROPPED or err.error != "timed out":
                    raise
        raise Error("the vSwitches' ports are being changed by others all the time; try again")

    def _carry_out(self, commit: Commit, plan: SwitchesPlan, confirm: float) -> bool:
        def confirmed() -> bool:
            if not confirm:
                return True
            heard = self.tell(self._applied(plan, commit))
            return heard and self.calls.line(confirm, LONGEST) == "confirm"

        limit = confirm + 4 * self.runtime.limit + _MARGIN
        problem = commit.run(confirmed, f"not confirmed within {confirm:g} s", limit)
        if problem:
            self.tell({"confirmed": False, "error": problem})
        else:
            self.tell({"confirmed": True} if confirm else self._applied(plan, commit))
        return not problem

    def _prepare(self) -> tuple[SwitchesPlan, Checkpoint]:
        known = kept_names(self.runtime)
        running = running_taps(self.runtime)
        return prepare(self.session, self.request.wanted, self.request.master, known, running)

    def _applied(self, plan: SwitchesPlan, commit: Commit) -> Answer:
        warnings = [*self._forced(plan), *self.earlier, *plan.warnings, *commit.warnings]
        return {"applied": True, **_planned(plan, warnings)}

    def _forced(self, plan: SwitchesPlan) -> list[str]:
        """What is done only as it is forced."""
        lines = (*plan.devices, *plan.refused) if self.request.force else ()
        return [f"forced: {line}" for line in lines]


def _planned(plan: SwitchesPlan, warnings: list[str]) -> Answer:
    """`changes` in words for people and for a master of an older version, and as data."""
    return {
        "changes": [words(one) for one in plan.changes],
        "differences": [to_json(one) for one in plan.changes],
        "warnings": warnings,
    }
