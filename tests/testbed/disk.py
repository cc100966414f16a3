"""A small file system of its own, which can be full, nearly full or read-only for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed.namespace import run

_PAGE = 4096
KINDS = ("full", "one page", "read-only", "good")


class Disk:
    """A tmpfs at `path`, for callers in a private mount namespace; `close` takes it away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path))

    def close(self) -> None:
        run("umount", "--lazy", str(self.path))

    @contextmanager
    def bad(self, kind: str) -> Iterator[None]:
        """As one of KINDS says, until the end of the block."""
        if kind == "good":
            yield
        elif kind == "read-only":
            # Files that somebody has open for writing would keep the tmpfs itself from it.
            run("mount", "--bind", str(self.path), str(self.path))
            run("mount", "-o", "remount,bind,ro", str(self.path))
            try:
                yield
            finally:
                run("umount", str(self.path))
        else:
            self._fill(1 if kind == "one page" else 0)
            try:
                yield
            finally:
                self._filler().unlink()

    def _filler(self) -> Path:
        return self.path / "filler"

    def _fill(self, left: int) -> None:
        """Leave so many pages."""
        size = os.statvfs(self.path).f_bavail * _PAGE
        self._filler().write_bytes(bytes(size - left * _PAGE))
        assert os.statvfs(self.path).f_bavail == left
