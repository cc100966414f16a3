"""What the disk knows of a change that is not confirmed yet, and of the last one taken back.

Two files beside the node's own document. `pending.json` has all that it takes to undo the
change, from before it is made until it is confirmed or taken back, so that whoever comes next
can, whatever was killed. `tried.json` says which document was tried in vain, and why: the master
asks for it, and leaves this node alone with that one.
"""

from __future__ import annotations

import os

from ganeti_ovs.cluster import files
from ganeti_ovs.linux.files import write_file
from ganeti_ovs.model.document import digest, sha256
from ganeti_ovs.model.errors import BadInput, Error
from ganeti_ovs.model.jsontext import dumps, values
from ganeti_ovs.model.value import frozen
from ganeti_ovs.node.document import document_path, load, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

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


@frozen
class Pending:
    """A change that is on the disk; the lock of changes is held from reading to settling it."""

    digest: str
    """Of the document that would be kept."""
    change: Mapping[str, Any]
    """As it was given to `begin`."""
    saved: bool
    """True if a document has been kept since it was begun: this one, or another one's."""
    same_boot: bool
    """False if the node was started anew meanwhile."""
    former: Tried
    """What `begin` has returned."""


def exists(environ: Mapping[str, str]) -> bool:
    """True if a change may be pending."""
    return os.path.exists(_path(environ))


def begin(environ: Mapping[str, str], text: str, change: Mapping[str, Any]) -> Tried:
    """Before a change to the document `text` is made: what undoes it is on the disk then.

    Returns what `forget` wants to know. Raises Error when it cannot be written, with
    nothing changed.
    """
    try:
        former = tried(environ)
    except Error:
        former = None
    body = dumps(
        {
            "digest": digest(text),
            "stamp": [*stamp(environ)],
            "boot": _boot(),
            "change": dict(change),
            "former": former,
        }
    )
    try:
        write_file(_path(environ), f"{FORMAT} {sha256(body)}\n{body}\n")
        _write_tried(environ, digest(text), _BEGUN)
    except Error:
        forget(environ, former)
        raise
    return former


def read(environ: Mapping[str, str]) -> Pending | None:
    """The change that is pending; None if there is none. Raises Error for a file that is broken."""
    path = _path(environ)
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
        (data,), _rest = values(body)
        return Pending(
            str(data["digest"]),
            dict(data["change"]),
            tuple(data["stamp"]) != stamp(environ),
            data["boot"] == _boot(),
            None if data["former"] is None else (str(data["former"][0]), str(data["former"][1])),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise Error(f"{path} is broken: {err!r}"[:200]) from err


def finish(environ: Mapping[str, str]) -> None:
    """The change is confirmed, and its document kept. Raises Error."""
    _remove(_tried(environ))
    _remove(_path(environ))


def taken_back(environ: Mapping[str, str], made: str, why: str) -> None:
    """The change to the document with the digest `made` is undone. Raises Error."""
    try:  # noqa: SIM105
        _write_tried(environ, made, why)
    except Error:
        pass  # What `begin` has written says it without the reason.
    _remove(_path(environ))


def forget(environ: Mapping[str, str], former: Tried) -> None:
    """Nothing was done of a change that was begun; `former` is what `begin` has returned."""
    said = _say_former(environ, former)
    try:
        _remove(_path(environ))
    except Error:
        return  # It is found, and forgotten, once more.
    if not said:
        _say_former(environ, former)  # There may be room now.


def _say_former(environ: Mapping[str, str], former: Tried) -> bool:
    try:
        if former is None:
            _remove(_tried(environ))
        else:
            _write_tried(environ, *former)
    except Error:
        return False
    return True


def tried(environ: Mapping[str, str]) -> Tried:
    """(digest of the document that was taken back last, why); None since one was kept.

    Raises Error for a file that is broken.
    """
    path = _tried(environ)
    text = _text(path)
    if text is None:
        return None
    try:
        (data,), _rest = values(text)
        if data["format"] != FORMAT:
            raise ValueError("another format")
        return str(data["digest"]), str(data["error"])
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise Error(f"{path} cannot be read: {err!r}"[:200]) from err


def kept_digest(environ: Mapping[str, str]) -> str | None:
    """Of the document that this node keeps; None without, "" for a broken one. Raises Error."""
    text = load(environ)
    try:
        return None if text is None else digest(text)
    except BadInput:
        return ""


def _write_tried(environ: Mapping[str, str], made: str, why: str) -> None:
    said = {"format": FORMAT, "digest": made, "error": why[:_LONGEST]}
    write_file(_tried(environ), dumps(said) + "\n")


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as err:
        raise Error(f"{path} cannot be removed: {err.strerror or err}") from err


def _path(environ: Mapping[str, str]) -> str:
    return f"{os.path.dirname(document_path(environ))}/pending.json"


def _tried(environ: Mapping[str, str]) -> str:
    return f"{os.path.dirname(document_path(environ))}/tried.json"


def _boot() -> str:
    return (files.read("/proc/sys/kernel/random/boot_id") or "").strip()


def _text(path: str) -> str | None:
    """The file's text; None if there is none. Raises Error for what is no readable file."""
    text = files.read(path, _MOST)
    if text is None and os.path.lexists(path):
        raise Error(f"{path} cannot be read, or is longer than {_MOST >> 20} MiB")
    return text
