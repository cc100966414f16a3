"""What Ganeti last said of each tap's NIC, kept on this node until the tap is used anew.

Ganeti tells a NIC's tags only to its network script, and keeps no file of them
on the node; without a record of our own a lost OVS database would cost the
limits. One file per tap below /var/run, which is empty after a reboot, as are
the taps. The form is that of the environment: NAME=value lines.

A record counts only if it is whole (its last line has its length) and of the plug that the
tap has now. Records are written and read by who holds the tap's lock (`ganeti_ovs.ovsdb.session`).
"""

from __future__ import annotations

import os
from time import clock_gettime_ns

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.environment import VARIABLES, NicSettings
from ganeti_ovs.model.plug import Plug, parse_plug
from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ganeti_ovs.cluster.runtime import Runtime

NAMES = {**VARIABLES, "tags_index": "TAGS_INDEX", "down": "DOWN"}
"""Field of NicSettings -> its name in a record; those that Ganeti does not say are ours."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_CLOCK_BOOTTIME = 7
_HALF = "~"
"""What the name of a file ends in that is being written; no interface's name does."""


class Record(Frozen):
    """What Ganeti said of one plug of a tap."""

    plug: Plug
    nic: NicSettings


def plug_now(ifindex: int) -> Plug:
    """The plug that the interface with this number has, described at this moment."""
    return Plug((files.read(_BOOT_ID) or "")[:8], ifindex, clock_gettime_ns(_CLOCK_BOOTTIME))


def write(here: Runtime, nic: NicSettings, plug: Plug) -> None:
    """Keep what `nic` says, under the name of its tap (validated by the caller).

    Whole or not at all; raises OSError, and then the former record has gone, too, if it can be
    removed: an old one must not be taken for what holds now.
    """
    directory = _directory(here)
    path = f"{directory}/{nic.tap}"
    said = ((name, str(getattr(nic, field))) for field, name in NAMES.items())
    lines = [f"{name}={text}\n" for name, text in said if text and "\n" not in text]
    data = "".join([*lines, f"PLUG={plug.text()}\n"]).encode("utf-8", "surrogateescape")
    data += b"END=%d\n" % len(data)
    try:
        _put(directory, path, data)
    except OSError:
        for name in (path + _HALF, path):
            _remove(name)
        raise


def _put(directory: str, path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    half = path + _HALF
    try:
        handle = os.open(half, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(directory, 0o755, exist_ok=True)
        handle = os.open(half, flags, 0o600)
    try:
        # NOTE: on a full disk, a write may do a part and return no error.
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)
    os.rename(half, path)


def forget(here: Runtime, tap: str) -> None:
    """Remove the record of `tap`, if there is one and it can be removed."""
    for name in (tap, tap + _HALF):
        _remove(f"{_directory(here)}/{name}")


def forget_half(here: Runtime, tap: str) -> None:
    """Remove what was left of a record of `tap` whose writer was killed."""
    _remove(f"{_directory(here)}/{tap}{_HALF}")


def read(here: Runtime, tap: str) -> Record | None:
    """The record of `tap`, None if there is none that is whole and about this tap."""
    # NOTE: errors="surrogateescape" both ways, so the length in bytes is that of the file.
    text = files.read(f"{_directory(here)}/{tap}") or ""
    data = text.encode("utf-8", "surrogateescape")
    body, _, end = data.rpartition(b"END=")
    if end != b"%d\n" % len(body):
        return None
    lines = [line.partition("=") for line in body.decode("utf-8", "surrogateescape").split("\n")]
    values = {name: value for name, equals, value in lines if equals}
    plug = parse_plug(values.pop("PLUG", ""))
    nic = NicSettings(**{field: values.get(name, "") for field, name in NAMES.items()})
    return None if plug is None or nic.tap != tap else Record(plug, nic)


def read_all(here: Runtime) -> dict[str, Record]:
    """All records that are whole, by tap."""
    found = ((tap, read(here, tap)) for tap in _names(here))
    return {tap: record for tap, record in found if record is not None}


def names(here: Runtime) -> set[str]:
    """The taps that have a record, or half of one."""
    return {name[: -len(_HALF)] if name.endswith(_HALF) else name for name in _names(here)}


def halves(here: Runtime) -> set[str]:
    """The taps that have half a record: it is being written, or its writer was killed."""
    return {name[: -len(_HALF)] for name in _names(here) if name.endswith(_HALF)}


def _directory(here: Runtime) -> str:
    return here.run + "/ganeti-ovs/nic"


def _names(here: Runtime) -> list[str]:
    try:
        return os.listdir(_directory(here))
    except OSError:
        return []


def _remove(path: str) -> None:
    try:  # noqa: SIM105
        os.unlink(path)
    except OSError:
        pass  # It is not there, or stays: then its plug tells that it is old.
