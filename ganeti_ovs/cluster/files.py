"""Files of others, read safely: whatever is in their place, no hang and no full memory."""

from __future__ import annotations

import os

LONGEST = 1 << 20
"""Bytes that a file may have, unless the caller says else."""
_KIND, _REGULAR = 0o170000, 0o100000
"""Of stat(2)'s st_mode; the module `stat` would have to be imported."""


def read(path: str, longest: int = LONGEST) -> str | None:
    """The text of the regular file at `path`; None where there is none that can be read.

    None also for one with more than `longest` bytes. Bytes that are no UTF-8 become
    surrogates, as in os.environ. Never raises.
    """
    try:
        # NOTE: without O_NONBLOCK, open() of a FIFO waits until somebody writes to it.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    chunks, size = [], 0
    try:
        if os.fstat(handle).st_mode & _KIND != _REGULAR:
            return None
        # Not by its size, which is 0 in /proc.
        while chunk := os.read(handle, 1 << 16):
            chunks.append(chunk)
            size += len(chunk)
            if size > longest:
                return None
    except OSError:
        return None
    finally:
        os.close(handle)
    return b"".join(chunks).decode("utf-8", "surrogateescape")
