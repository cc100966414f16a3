"""One change of the node's vSwitches, made by node-apply: confirmed, or rolled back."""

from __future__ import annotations

from collections.abc import Callable

from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node import document, pending, transaction
from ganeti_ovs.node.announce import announce, leave, moved, with_stations
from ganeti_ovs.node.checkpoint import Checkpoint, to_data
from ganeti_ovs.node.guard import Guard, Guarded
from ganeti_ovs.node.mtus import set_mtus
from ganeti_ovs.node.phases import SETTLED, Disk, Event, Phase, step, touched
from ganeti_ovs.node.rollback import roll_back_or_reconnect
from ganeti_ovs.node.switches import set_up
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import Session
from ganeti_ovs.ovsdb.switches import read_tables


class Commit:
    """Goes through the phases of `ganeti_ovs.node.phases`, the locks being held."""

    def __init__(
        self,
        session: Session,
        runtime: Runtime,
        wanted: tuple[VSwitch, ...],
        text: str,
        checkpoint: Checkpoint,
    ) -> None:
        """The document `text` wants `wanted`; `checkpoint` is of the change to it."""
        self.session, self.runtime = session, runtime
        self.wanted, self.text, self.checkpoint = wanted, text, checkpoint
        self.phase = Phase.IDLE
        self.warnings: list[str] = []
        """What went wrong and hinders nothing."""
        self._entry = pending.new_entry(runtime, text)

    @property
    def touched(self) -> bool:
        """True if something may have been changed, if only for a moment."""
        return touched(self.phase)

    def run(self, confirmed: Callable[[], bool], why: str, limit: float) -> str:
        """Make the change; "" when it is confirmed, else why it was not, and what became of it.

        `confirmed` waits for the master's word, `why` says what it is if that does not come.
        After `limit` seconds we count as hanging. Raises Error when it fails, with what became
        of it; TransactionFailed with the phase DROPPED when nothing was done (by "timed out":
        others have changed the rows since the checkpoint).
        """
        if self.checkpoint.empty:
            self._on(Event.NOTHING)
            return self._make(confirmed, why)
        self.checkpoint = with_stations(self.session, self.checkpoint, self.wanted)
        self._on(Event.BEGIN)
        with self._guard(limit) as guard:
            try:
                return self._make(confirmed, why)
            finally:
                if self.phase in SETTLED:
                    guard.dismiss()

    def _guard(self, limit: float) -> Guard:
        change = Guarded(self.runtime, self._entry, self.checkpoint, limit)
        try:
            return Guard.start(self.session, change)
        except Error:
            self._on(Event.FAIL)
            raise

    def _make(self, confirmed: Callable[[], bool], why: str) -> str:
        try:
            if self.phase is Phase.BEGUN:
                self._send()
                self.warnings += set_mtus(self.checkpoint.devices)
            self.warnings += set_up(self.wanted)
            if self.checkpoint.operations:
                self.warnings += announce(self.session, self._moved(), self.checkpoint.stations)
            if confirmed():
                self._keep()
                return ""
        except Error as err:
            refused = self.phase is Phase.SENT and isinstance(err, TransactionFailed)
            if self._on(Event.REFUSE if refused else Event.FAIL) is Phase.DROPPED:
                raise
            raise Error(f"{err}{self._roll_back(str(err))}") from err
        self._on(Event.DENY)
        return f"{why}{self._roll_back(why)}"

    def _send(self) -> None:
        """Raises TransactionFailed when nothing was done, else Error."""
        self._on(Event.SEND)
        leave(self.session, self.checkpoint, self.wanted)
        operations, before = self.checkpoint.operations, self.checkpoint.before
        transaction.commit(self.session, operations, before, self.wanted)
        self._on(Event.APPLY)

    def _keep(self) -> None:
        try:
            self._on(Event.KEEP)
        except Error:
            if self.phase is not Phase.CONFIRMED:
                raise
            # The document is kept, so nobody rolls back: the rest is done by who comes next.

    def _roll_back(self, why: str) -> str:
        """What became of it, in words that continue a line."""
        try:
            names = self._moved() if self.checkpoint.operations else []
        except Error:
            names = []
        back, words = roll_back_or_reconnect(self.session, self.checkpoint, names)
        if not back:
            self._on(Event.STICK)
            return f"{words}; this is tried for another minute, then by gnt-ovs reconcile"
        try:
            self._on(Event.RESTORE, why)
        except Error as err:
            words += f"; {err}"
        return words

    def _moved(self) -> list[str]:
        now = read_tables(self.session)
        return moved(self.checkpoint.before, now, self.wanted)

    def _on(self, event: Event, why: str = "") -> Phase:
        """Go to the next phase, with all that the disk must know. Raises Error.

        The phase is the old one still when what comes first could not be written.
        """
        made = step(self.phase, event)
        if made.first is Disk.CHECKPOINT:
            pending.begin(self.runtime, self._entry, to_data(self.checkpoint))
        elif made.first is Disk.DOCUMENT:
            document.save(self.runtime, self.text)
        self.phase = made.phase
        pending.write_end(self.runtime, self._entry, made.then, why)
        return self.phase
