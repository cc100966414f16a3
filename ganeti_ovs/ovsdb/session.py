"""Changes that wait until ovs-vswitchd has carried them out, by holders of locks alone."""

from __future__ import annotations

from time import monotonic

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.operations import Assert, Mutate, Mutation, Select, Update
from ganeti_ovs.model.rows import Root
from ganeti_ovs.ovsdb.client import ANSWER_LIMIT, DATABASE, Client, TransactionFailed
from ganeti_ovs.ovsdb.decode import Strange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ganeti_ovs.model.operations import Operation
    from ganeti_ovs.ovsdb.decode import Reply

NODE = "node"
"""The lock of those who deduce what this node's ports must be (reconcile, hooks, ganeti-watcher).

It comes first: its holder takes the locks of the taps that it is about to touch after it. A
tap's own script takes its tap's lock alone, so scripts of different taps never meet. Not a
tap's name: a tap called so would only wait longer.
"""

SWITCHES = "switches"
"""The lock of those who change this node's vSwitches; no tap's name either."""

_ROOT = Root.table
_WHAT = {NODE: "this node's ports", SWITCHES: "this node's vSwitches"}
"""What the holder of a lock that is no tap's works at, for the error."""


class NotApplied(Error):
    """A change is committed, but ovs-vswitchd has not taken it over within the time limit, or it
    cannot be found out whether it has.
    """


class Session(Client):
    """A connection that holds locks of the database and sees how far ovs-vswitchd is.

    The first lock (RFC 7047, 4.1.8) is named after `name`, a tap, NODE or SWITCHES: two
    calls for one tap come one after the other, calls for different taps do not
    meet. Locks end with the connection, so a killed caller leaves none behind. Without `name`
    there is no lock, for who changes nothing that anybody else does.

    `limit` is the time in seconds that waiting for ovs-vswitchd may take, each time.
    """

    def __init__(self, path: str, name: str, limit: float) -> None:
        super().__init__(path)
        self.limit = limit
        self._name = name
        self._held: dict[str, bool] = {}
        self._asked: dict[str, int] = {}
        self._cur_cfg = -1
        if name:
            self._ask_for(name)
        self._monitor_request = self.post(
            "monitor", DATABASE, None, {_ROOT: {"columns": ["cur_cfg"]}}
        )

    def __enter__(self) -> Session:
        return self

    def acquire(self, patience: float = 0) -> None:
        """Wait for the lock. Raises Error when another caller keeps it too long.

        Who keeps it may wait for ovs-vswitchd twice: a port goes, another one comes. That long
        is waited, and `patience` seconds more.
        """
        if not self._wait_for(list(self._held), patience):
            raise Error(
                f"another call for {_WHAT.get(self._name, self._name)} has not ended;"
                " look for hanging ganeti-ovs processes"
            )

    def also(self, names: Iterable[str]) -> set[str]:
        """Wait for further locks; those of `names` that others keep too long are given up.

        Returns the latter.
        """
        locks = {name: self._ask_for(name) for name in names}
        if not self._wait_for([*locks.values()], 0):
            missing = {name for name, lock in locks.items() if not self._held[lock]}
            for name in missing:
                del self._held[locks[name]]
                self.post("unlock", locks[name])
            return missing
        return set()

    def _wait_for(self, locks: list[str], patience: float) -> bool:
        self._settle_locks()

        def held() -> bool:
            self._notice()
            return all(self._held[lock] for lock in locks)

        return self.until(held, monotonic() + 2 * self.limit + ANSWER_LIMIT + patience)

    def commit(self, operations: Sequence[Operation]) -> tuple[list[Reply], int]:
        """Commit `operations` as one transaction, holding the locks.

        Returns their results and the number of the configuration to wait for.
        Raises TransactionFailed; then nothing was done. NotApplied: it is done, but nobody can
        wait for it.
        """
        asserts = [Assert(lock) for lock in self._held]
        counted = Mutate(_ROOT, None, (Mutation("next_cfg", "+=", 1),))
        transaction = [*asserts, *operations, counted, Select(_ROOT, None, ("next_cfg",))]
        before = self._cur_cfg
        # Sent together with the requests for lock and monitor: one round trip.
        results = self.answer(self.send(transaction))
        if before < 0:
            before = self._first_cur_cfg()
        self._settle_locks()
        try:
            good = self.checked(results, transaction)
        except TransactionFailed as err:
            if err.error != "not owner":
                raise
            self.acquire()
            good = self.transact(transaction)
        rows: tuple[Root, ...] = good[-1].rows
        if not rows:
            raise self.nonsense(f"no row of {_ROOT}")
        cfg = rows[0].next_cfg
        if before >= cfg:
            # Somebody has set next_cfg back: go beyond what is applied, or we never wait.
            cfg = before + 1
            try:
                self.transact([Update(_ROOT, None, {"next_cfg": cfg})])
            except TransactionFailed as err:
                raise NotApplied(f"the change is made, but cannot be waited for: {err}") from err
        return good[len(asserts) : -2], cfg

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

    def _ask_for(self, name: str) -> str:
        lock = "ganeti_ovs_" + "".join(c if c.isalnum() else f"_{ord(c)}_" for c in name)
        if lock not in self._held:
            self._held[lock] = False
            self._asked[lock] = self.post("lock", lock)
        return lock

    def _settle_locks(self) -> None:
        while self._asked:
            lock, request = self._asked.popitem()
            answer = self.answer(request)
            if not isinstance(answer, dict):
                raise self.nonsense("no word about a lock")
            self._held[lock] = answer.get("locked") is True
        self._notice()

    def _first_cur_cfg(self) -> int:
        self._see(self.answer(self._monitor_request))
        return self._cur_cfg

    def _notice(self) -> None:
        for message in self.notifications:
            params = message["params"]
            if message["method"] == "locked" and len(params) == 1:
                for lock in self._held:
                    self._held[lock] |= params[0] == lock
            elif message["method"] == "update":
                self._see(params[-1] if len(params) == 2 else None)
        self.notifications.clear()

    def _see(self, update: Any) -> None:
        try:
            for number in _new_values(update, _ROOT, "cur_cfg"):
                self._cur_cfg = number
        except Strange as err:
            raise self.nonsense(str(err)) from err


def _new_values(update: Any, table: str, column: str) -> list[int]:
    """The numbers that `column` has by a monitor's answer or an "update" (RFC 7047, 4.1.6).

    Raises Strange when it has another form.
    """
    rows = update.get(table, {}) if isinstance(update, dict) else None
    found = []
    for row in rows.values() if isinstance(rows, dict) else (None,):
        new = row.get("new", {}) if isinstance(row, dict) else None
        if not isinstance(new, dict) or type(new.get(column, 0)) is not int:
            raise Strange("an update of another form")
        if column in new:
            found.append(int(new[column]))
    return found
