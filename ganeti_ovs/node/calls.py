"""What node-apply waits for: lines from the master, or a signal."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import Any

LONGEST = 4 << 20
"""Bytes that a line may have."""
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""What ends the wait for the confirmation; SIGPIPE is an error of writing, in Python."""


class Calls:
    """Lines from standard input, and signals, whichever comes first. A context manager."""

    def __init__(self, handle: int = 0) -> None:
        self._input = handle
        self._data = b""
        self._old: dict[int, Any] = {}
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def __enter__(self) -> Calls:
        for number in SIGNALS:
            self._old[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        os.close(self._wake)
        os.close(self._waker)

    def line(self, limit: float, longest: int) -> str | None:
        """The next line, or the rest without a newline at the end of the input.

        None when there is no more, after `limit` seconds, after a signal (of
        the past, too), or when a line has more than `longest` bytes.
        """
        deadline = time.monotonic() + limit
        while b"\n" not in self._data:
            left = deadline - time.monotonic()
            if left <= 0 or len(self._data) > longest:
                return None
            ready, _, _ = select.select([self._input, self._wake], [], [], left)
            if self._wake in ready:
                return None
            if ready:
                chunk = os.read(self._input, 1 << 16)
                if not chunk:
                    rest, self._data = self._data, b""
                    return rest.decode(errors="replace") if rest else None
                self._data += chunk
        line, _, self._data = self._data.partition(b"\n")
        if select.select([self._wake], [], [], 0)[0]:
            return None
        return line.decode(errors="replace").rstrip("\r")

    def _signalled(self, _number: int, _frame: object) -> None:
        with suppress(BlockingIOError):  # It is full of them.
            os.write(self._waker, b"s")
