"""Locks between processes of this node, as files."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from types import TracebackType


class Busy(Error):
    """Another one has had the lock for too long."""

    shared = False
    """True if those who had it only shared it."""


class Lock:
    """A file that one process at a time holds. A context manager.

    A process that is forked while it is held holds it too: it is free when
    the last of them has ended.
    """

    def __init__(
        self,
        path: str,
        limit: float,
        busy: str,
        *,
        shared: bool = False,
        busy_shared: str = "",
    ) -> None:
        """`path`: the file, made if need be; `limit`: seconds to wait for another one; `busy`: what
        it does, for the error.

        Those who hold it `shared` do not wait for one another; `busy_shared`: what they do.
        """
        self._kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._path = path
        self._limit, self._busy, self._busy_shared = limit, busy, busy_shared or busy
        self._handle = -1

    def __enter__(self) -> Lock:
        try:
            os.makedirs(os.path.dirname(self._path), 0o755, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise Error(f"{self._path} cannot be opened: {err.strerror or err}") from err
        deadline = time.monotonic() + self._limit
        while True:
            try:
                fcntl.flock(self._handle, self._kind | fcntl.LOCK_NB)
            except OSError as err:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise self._gave_up() from err
            return self

    def _gave_up(self) -> Busy:
        """The lock is shared if it can be shared."""
        shared = True
        try:
            fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            shared = False
        os.close(self._handle)
        words = self._busy_shared if shared else self._busy
        busy = Busy(f"{words}, for more than {self._limit:g} s")
        busy.shared = shared
        return busy

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _err: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)
