"""The node's own copy of its vSwitches' document, and the lock of those who change them."""

from __future__ import annotations

import os

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.files import write_file
from ganeti_ovs.linux.locks import Lock
from ganeti_ovs.model.document import digest, from_document
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.model.vswitch import VSwitch

_LONGEST = 8 << 20
"""Bytes; node-apply takes half of it."""


def document_path(runtime: Runtime) -> str:
    """Where it is kept."""
    return f"{runtime.lib}/ganeti-ovs/switches.json"


def load(runtime: Runtime) -> str | None:
    """The document; None if this node has none. Raises Error."""
    path = document_path(runtime)
    text = files.read(path, _LONGEST)
    if text is None and os.path.lexists(path):
        raise Error(f"{path} cannot be read: it is no file of text, or too long")
    return text


def kept(runtime: Runtime) -> tuple[VSwitch, ...] | None:
    """The vSwitches that it wants; None if this node has none. Raises Error."""
    text = load(runtime)
    try:
        return None if text is None else from_document(text)[0]
    except BadInput as err:
        raise Error(f"{document_path(runtime)}: {err}") from err


def kept_names(runtime: Runtime) -> frozenset[str]:
    """The names of the vSwitches that it wants; none if there is none, or it cannot be read."""
    try:
        return frozenset(switch.name for switch in kept(runtime) or ())
    except Error:
        return frozenset()


def kept_digest(runtime: Runtime) -> str | None:
    """Its digest; None if this node has none, "" for a broken one. Raises Error."""
    text = load(runtime)
    try:
        return None if text is None else digest(text)
    except BadInput:
        return ""


def save(runtime: Runtime, text: str) -> None:
    """Keep `text`: on the disk when this returns, and whole or not at all. Raises Error."""
    write_file(document_path(runtime), text)


def stamp(runtime: Runtime) -> tuple[int, int]:
    """Different after every `save`, also of the same text."""
    try:
        status = os.stat(document_path(runtime))
    except OSError:
        return (0, 0)
    return status.st_ino, status.st_mtime_ns


def change_lock(runtime: Runtime, limit: float, *, shared: bool = False) -> Lock:
    """The lock of those who change this node's vSwitches; `shared` for who only looks."""
    busy = "another change of this node's vSwitches is under way or waits to be confirmed"
    looked = "this node's vSwitches are being looked at by another command"
    path = f"{runtime.run}/ganeti-ovs/switches.lock"
    return Lock(path, limit, busy, shared=shared, busy_shared=looked)
