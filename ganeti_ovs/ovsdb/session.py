"""Changes that wait until ovs-vswitchd has carried them out, one caller at a time per tap."""

from __future__ import annotations

from time import monotonic

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb.answers import Strange, new_values
from ganeti_ovs.ovsdb.client import ANSWER_LIMIT, DATABASE, Client, TransactionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ganeti_ovs.plan.wire import Operations

APPLY_LIMIT = 10.0
"""Seconds that ovs-vswitchd has to apply a change, unless GANETI_OVS_TIMEOUT says else."""

_MAX_LIMIT = 3600.0


class NotApplied(Error):
    """ovs-vswitchd has not taken over a committed change within the time limit."""


def apply_limit(environ: dict[str, str]) -> float:
    """The time limit in seconds: GANETI_OVS_TIMEOUT if set, else APPLY_LIMIT. Raises Error."""
    text = environ.get("GANETI_OVS_TIMEOUT", "")
    if not text:
        return APPLY_LIMIT
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit <= _MAX_LIMIT:
        raise Error(f"GANETI_OVS_TIMEOUT is not a number of seconds from 0 to {_MAX_LIMIT:g}")
    return limit


class Session(Client):
    """A connection that holds a lock of the database and sees how far ovs-vswitchd is.

    The lock (RFC 7047, 4.1.8) is named after `tap`: two calls for one tap come
    one after the other, calls for different taps do not meet. It ends with the
    connection, so a killed caller leaves none behind.

    `limit` is the time in seconds that waiting for ovs-vswitchd may take, each time.
    """

    def __init__(self, path: str, tap: str, limit: float) -> None:
        super().__init__(path)
        self.limit = limit
        self._lock = "ganeti_ovs_" + "".join(c if c.isalnum() else f"_{ord(c)}_" for c in tap)
        self._locked = False
        self._cur_cfg = -1
        self._lock_request: int | None = self.post("lock", self._lock)
        self._monitor_request = self.post(
            "monitor", DATABASE, None, {"Open_vSwitch": {"columns": ["cur_cfg"]}}
        )

    def __enter__(self) -> Session:
        return self

    def acquire(self) -> None:
        """Wait for the lock. Raises Error when another caller keeps it too long."""
        self._settle_lock()
        if not self.until(self._has_lock, monotonic() + self.limit + ANSWER_LIMIT):
            raise Error(
                "another call for the same tap has not ended; look for hanging ganeti-ovs processes"
            )

    def commit(self, operations: Operations) -> tuple[list[dict[str, Any]], int]:
        """Commit `operations` as one transaction, holding the lock.

        Returns their results and the number of the configuration to wait for.
        Raises TransactionFailed; then nothing was done.
        """
        transaction: Operations = [
            {"op": "assert", "lock": self._lock},
            *operations,
            {
                "op": "mutate",
                "table": "Open_vSwitch",
                "where": [],
                "mutations": [["next_cfg", "+=", 1]],
            },
            {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["next_cfg"]},
        ]
        before = self._cur_cfg
        # Sent together with the requests for lock and monitor: one round trip.
        results = self.answer(self.post("transact", DATABASE, *transaction))
        if before < 0:
            before = self._first_cur_cfg()
        self._settle_lock()
        try:
            good = self.checked(results, transaction)
        except TransactionFailed as err:
            if err.error != "not owner":
                raise
            self.acquire()
            good = self.transact(transaction)
        if not good[-1]["rows"]:
            raise Error("Open vSwitch's database is empty; start openvswitch-switch anew")
        cfg = int(good[-1]["rows"][0]["next_cfg"])
        if before >= cfg:
            # Somebody has set next_cfg back: go beyond what is applied, or we never wait.
            cfg = before + 1
            row: dict[str, object] = {"next_cfg": cfg}
            self.transact([{"op": "update", "table": "Open_vSwitch", "where": [], "row": row}])
        return good[1:-2], cfg

    def wait_applied(self, cfg: int) -> None:
        """Wait until ovs-vswitchd has applied configuration `cfg`.

        NOTE: a time-out is not a roll-back: the rows are committed and will be
        applied when ovs-vswitchd comes back. Raises NotApplied.
        """

        def applied() -> bool:
            self._notice()
            return self._cur_cfg >= cfg

        if not self.until(applied, monotonic() + self.limit):
            raise NotApplied(
                f"ovs-vswitchd has not applied the change within {self.limit:g} s; is it running?"
            )

    def _settle_lock(self) -> None:
        if self._lock_request is not None:
            answer = self.answer(self._lock_request)
            if not isinstance(answer, dict):
                raise self.nonsense("no word about a lock")
            self._locked = answer.get("locked") is True
            self._lock_request = None
        self._notice()

    def _has_lock(self) -> bool:
        self._notice()
        return self._locked

    def _first_cur_cfg(self) -> int:
        self._see(self.answer(self._monitor_request))
        return self._cur_cfg

    def _notice(self) -> None:
        for message in self.notifications:
            if message["method"] == "locked" and message["params"] == [self._lock]:
                self._locked = True
            elif message["method"] == "update":
                self._see(message["params"][-1] if len(message["params"]) == 2 else None)
        self.notifications.clear()

    def _see(self, update: Any) -> None:
        try:
            for number in new_values(update, "Open_vSwitch", "cur_cfg"):
                self._cur_cfg = number
        except Strange as err:
            raise self.nonsense(str(err)) from None
