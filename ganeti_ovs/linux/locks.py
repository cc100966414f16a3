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
    ) -> None:
        """`path`: the file, made if need be; `limit`: seconds to wait for another one; `busy`: what
        it does, for the error.

        Those who hold it `shared` do not wait for one another.
        """
        self._kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._path = path
        self._limit, self._busy = limit, busy
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
                os.close(self._handle)
                raise Busy(f"{self._busy}, for more than {self._limit:g} s") from err
            return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _err: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)
