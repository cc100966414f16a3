"""What the disk knows of a change that is not confirmed yet, and of the last one rolled back.

Two files beside the node's own document. `pending.json` has the checkpoint, from before the
change is made until it is confirmed or rolled back, so that whoever comes next can do that,
whatever was killed. `tried.json` says which document was tried in vain, and why: the master
asks for it, and leaves this node alone with that one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.files import write_file
from ganeti_ovs.model.document import digest, sha256
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node.document import document_path, stamp
from ganeti_ovs.node.phases import Disk

Tried = tuple[str, str] | None
"""What `tried` says."""

FORMAT = 1
_BEGUN = "it was begun, and node-apply was ended before it could say what became of it"
_MOST = 16 << 20
"""Bytes of a file that are read: a change of a node with thousands of ports."""
_LONGEST = 500
"""Characters that a reason may have."""


class InTheWay(Error):
    """What is in the place of `pending.json` is none, and cannot become one."""


@dataclass(frozen=True)
class Entry:
    """A change, as the disk knows it."""

    digest: str
    """Of the document that would be kept."""
    stamp: tuple[int, ...]
    """Of the document that was kept before; see `ganeti_ovs.node.document.stamp`."""
    former: Tried
    """What had been tried in vain before."""

    def kept(self, runtime: Runtime) -> bool:
        """True if a document has been kept since it was begun: this one, or another one's."""
        return self.stamp != stamp(runtime)


@dataclass(frozen=True)
class Pending:
    """A change that is on the disk; the lock of changes is held from reading to settling it."""

    entry: Entry
    checkpoint: Mapping[str, Any]
    """As it was given to `begin`."""
    same_boot: bool
    """False if the node was started anew meanwhile."""


def exists(runtime: Runtime) -> bool:
    """True if a change may be pending."""
    return os.path.exists(_path(runtime))


def new_entry(runtime: Runtime, text: str) -> Entry:
    """Of a change to the document `text`, before it is begun. Raises BadInput."""
    former = None
    with suppress(Error):
        former = tried(runtime)
    return Entry(digest(text), stamp(runtime), former)


def begin(runtime: Runtime, entry: Entry, checkpoint: Mapping[str, Any]) -> None:
    """Before the change is made: what rolls it back is on the disk then.

    Raises Error when it cannot be written, with nothing changed.
    """
    body = _dumps(
        {
            "digest": entry.digest,
            "stamp": entry.stamp,
            "boot": _boot(),
            "change": checkpoint,
            "former": entry.former,
        }
    )
    try:
        write_file(_path(runtime), f"{FORMAT} {sha256(body)}\n{body}\n")
        _write_tried(runtime, entry.digest, _BEGUN)
    except Error:
        _forget(runtime, entry.former)
        raise


def read(runtime: Runtime) -> Pending | None:
    """The change that is pending; None if there is none. Raises Error for a file that is broken."""
    path = _path(runtime)
    if os.path.isdir(path):
        raise InTheWay(f"{path} is a directory, which stands in the way of changes: remove it")
    text = _text(path)
    if text is None:
        return None
    head, _newline, body = text.partition("\n")
    form, _space, made = head.partition(" ")
    if form.isdigit() and form != str(FORMAT):
        raise Error(f"{path} is of format {form:.20}, not {FORMAT}: another version?")
    try:
        if sha256(body.removesuffix("\n")) != made:
            raise ValueError("its checksum is another")
        data = json.loads(body)
        former = data["former"]
        return Pending(
            Entry(
                str(data["digest"]),
                tuple(data["stamp"]),
                None if former is None else (str(former[0]), str(former[1])),
            ),
            dict(data["change"]),
            data["boot"] == _boot(),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise Error(f"{path} is broken: {err!r}"[:200]) from err


def write_end(runtime: Runtime, entry: Entry, what: Disk, why: str = "") -> None:
    """Write what is left of a change that has ended; `why` it was rolled back. Raises Error.

    Where only the reason finds no room, what `begin` has written says it without.
    """
    if what is Disk.DONE:
        _remove(_tried(runtime))
        _remove(_path(runtime))
    elif what is Disk.TRIED:
        with suppress(Error):
            _write_tried(runtime, entry.digest, why)
        _remove(_path(runtime))
    elif what is Disk.FORGOTTEN:
        _forget(runtime, entry.former)


def tried(runtime: Runtime) -> Tried:
    """(digest of the document that was rolled back last, why); None since one was kept.

    Raises Error for a file that is broken.
    """
    path = _tried(runtime)
    text = _text(path)
    if text is None:
        return None
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise ValueError("another format")
        return str(data["digest"]), str(data["error"])
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise Error(f"{path} cannot be read: {err!r}"[:200]) from err


def _forget(runtime: Runtime, former: Tried) -> None:
    said = _say_former(runtime, former)
    try:
        _remove(_path(runtime))
    except Error:
        return  # It is found, and forgotten, once more.
    if not said:
        _say_former(runtime, former)  # There may be room now.


def _say_former(runtime: Runtime, former: Tried) -> bool:
    try:
        if former is None:
            _remove(_tried(runtime))
        else:
            _write_tried(runtime, *former)
    except Error:
        return False
    return True


def _write_tried(runtime: Runtime, made: str, why: str) -> None:
    said = {"format": FORMAT, "digest": made, "error": why[:_LONGEST]}
    write_file(_tried(runtime), _dumps(said) + "\n")


def _dumps(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as err:
        raise Error(f"{path} cannot be removed: {err.strerror or err}") from err


def _path(runtime: Runtime) -> str:
    return f"{os.path.dirname(document_path(runtime))}/pending.json"


def _tried(runtime: Runtime) -> str:
    return f"{os.path.dirname(document_path(runtime))}/tried.json"


def _boot() -> str:
    return (files.read("/proc/sys/kernel/random/boot_id") or "").strip()


def _text(path: str) -> str | None:
    """The file's text; None if there is none. Raises Error for what is no readable file."""
    text = files.read(path, _MOST)
    if text is None and os.path.lexists(path):
        raise Error(f"{path} cannot be read, or is longer than {_MOST >> 20} MiB")
    return text
