"""Files of others, which come and go with their guests and may hold anything."""

from __future__ import annotations

import os
from stat import S_ISREG

LONGEST = 1 << 20
"""Bytes of a file that are read."""


def read_file(path: str, longest: int = LONGEST) -> str:
    """The text of a regular file; empty if there is none, or it is longer than `longest` bytes.

    NOTE: O_NONBLOCK, as opening a FIFO waits for ever for somebody who writes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        if not S_ISREG(os.fstat(handle).st_mode):
            return ""
        data = b""
        while len(data) <= longest:
            chunk = os.read(handle, 1 << 16)
            if not chunk:
                return data.decode("utf-8", "surrogateescape")
            data += chunk
    except OSError:
        pass
    finally:
        os.close(handle)
    return ""
