"""The node's own copy of its vSwitches' document, and the lock of those who change them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.paths import data_directory, run_directory
from ganeti_ovs.linux.files import write_file
from ganeti_ovs.linux.locks import Lock
from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 8 << 20
"""Bytes; node-apply takes half of it."""


def document_path(environ: Mapping[str, str]) -> str:
    """Where it is kept."""
    return f"{data_directory(environ)}/ganeti-ovs/switches.json"


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


def stamp(environ: Mapping[str, str]) -> tuple[int, int]:
    """Different after every `save`, also of the same text."""
    try:
        status = os.stat(document_path(environ))
    except OSError:
        return (0, 0)
    return status.st_ino, status.st_mtime_ns


def change_lock(environ: Mapping[str, str], limit: float, *, shared: bool = False) -> Lock:
    """The lock of those who change this node's vSwitches; `shared` for who only looks."""
    busy = "another change of this node's vSwitches is under way or waits to be confirmed"
    path = f"{run_directory(environ)}/ganeti-ovs/switches.lock"
    return Lock(path, limit, busy, shared=shared)
