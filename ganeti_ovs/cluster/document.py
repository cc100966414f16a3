"""The node's own copy of its vSwitches' document, and the lock of those who change them."""

from __future__ import annotations

import fcntl
import os
import time

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.records import run_directory
from ganeti_ovs.model.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Optional

UNDER_WAY = 40.0
"""Seconds for which a change that is under way is a matter of course: node-apply waits 30 s
for the master's confirmation."""
_LONGEST = 8 << 20
"""Bytes; node-apply takes half of it."""


def document_path(environ: Mapping[str, str]) -> str:
    """Where it is kept; LOCALSTATEDIR and GANETI_ROOTDIR move it, as all of Ganeti's files."""
    root = environ.get("LOCALSTATEDIR") or environ.get("GANETI_ROOTDIR", "") + "/var"
    return f"{root}/lib/ganeti-ovs/switches.json"


def load(environ: Mapping[str, str]) -> str | None:
    """The document; None if this node has none. Raises Error."""
    path = document_path(environ)
    text = files.read(path, _LONGEST)
    if text is None and os.path.lexists(path):
        raise Error(f"{path} cannot be read: it is no file of text, or too long")
    return text


def save(environ: Mapping[str, str], text: str) -> None:
    """Keep `text`: on the disk when this returns, and whole or not at all. Raises Error."""
    write_file(document_path(environ), text)


def write_file(path: str, text: str) -> None:
    """Make `text` the file's contents: on the disk, and whole or not at all. Raises Error."""
    directory = os.path.dirname(path)
    new = f"{path}.new"
    try:
        os.makedirs(directory, 0o755, exist_ok=True)
        with open(new, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as err:
        try:  # noqa: SIM105
            os.unlink(new)
        except OSError:
            pass  # It was not even made.
        raise Error(f"{path} cannot be written: {err.strerror or err}") from None


def stamp(environ: Mapping[str, str]) -> tuple[int, int]:
    """Different after every `save`, also of the same text."""
    try:
        status = os.stat(document_path(environ))
    except OSError:
        return (0, 0)
    return status.st_ino, status.st_mtime_ns


class Busy(Error):
    """Another one has had the lock for too long."""


class Lock:
    """A file that one process at a time holds. A context manager.

    A process that is forked while it is held holds it too: it is free when
    the last of them has ended.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        name: str,
        limit: float,
        busy: str,
        *,
        shared: bool = False,
    ) -> None:
        """`limit`: seconds to wait for another one; `busy`: what it does, for the error.

        Those who hold it `shared` do not wait for one another.
        """
        self._kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._path = f"{run_directory(environ)}/ganeti-ovs/{name}.lock"
        self._limit, self._busy = limit, busy
        self._handle = -1

    def __enter__(self) -> Lock:
        try:
            os.makedirs(os.path.dirname(self._path), 0o755, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise Error(f"{self._path} cannot be opened: {err.strerror or err}") from None
        deadline = time.monotonic() + self._limit
        while True:
            try:
                fcntl.flock(self._handle, self._kind | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                os.close(self._handle)
                raise Busy(f"{self._busy}, for more than {self._limit:g} s") from None
            return self

    def __exit__(
        self,
        _kind: Optional[type[BaseException]],  # noqa: UP045
        _err: Optional[BaseException],  # noqa: UP045
        _trace: Optional[TracebackType],  # noqa: UP045
    ) -> None:
        os.close(self._handle)


def change_lock(environ: Mapping[str, str], limit: float, *, shared: bool = False) -> Lock:
    """The lock of those who change this node's vSwitches; `shared` for who only looks."""
    busy = "another change of this node's vSwitches is under way or waits to be confirmed"
    return Lock(environ, "switches", limit, busy, shared=shared)
