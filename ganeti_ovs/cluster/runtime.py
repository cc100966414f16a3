"""What the environment says of where things are on this node: read once, at the door."""

from __future__ import annotations

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

APPLY_LIMIT = 10.0
"""Seconds that ovs-vswitchd has to apply a change, unless GANETI_OVS_TIMEOUT says else."""

_MAX_LIMIT = 3600.0


class Runtime(Frozen):
    """Where things are, and how long they may take."""

    run: str
    """Ganeti's /var/run; ours is ganeti-ovs in it."""
    lib: str
    """Ganeti's /var/lib; ours is ganeti-ovs in it."""
    socket: str
    """The database's Unix socket."""
    limit: float
    """Seconds that ovs-vswitchd has to apply a change."""


def runtime(environ: Mapping[str, str], database: str | None = None) -> Runtime:
    """What `environ` says; `database` is a socket that was named on the command line.

    LOCALSTATEDIR and GANETI_ROOTDIR move Ganeti's files, as in its own net-common; OVS_RUNDIR
    moves the database, as for OVS's own tools. Raises Error for a GANETI_OVS_TIMEOUT that is none.
    """
    state = _state(environ)
    socket = (environ.get("OVS_RUNDIR") or "/var/run/openvswitch") + "/db.sock"
    return Runtime(f"{state}/run", f"{state}/lib", database or socket, _limit(environ))


def caller(environ: Mapping[str, str]) -> str:
    """The address of who has called us by ssh, the master as a rule; "" if nobody has."""
    return environ.get("SSH_CONNECTION", "").partition(" ")[0]


def run_directory(environ: Mapping[str, str]) -> str:
    """Runtime.run alone: for what must go on though something else in `environ` is wrong."""
    return _state(environ) + "/run"


def _state(environ: Mapping[str, str]) -> str:
    return environ.get("LOCALSTATEDIR") or environ.get("GANETI_ROOTDIR", "") + "/var"


def _limit(environ: Mapping[str, str]) -> float:
    text = environ.get("GANETI_OVS_TIMEOUT", "")
    if not text:
        return APPLY_LIMIT
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit <= _MAX_LIMIT:
        raise Error(f"GANETI_OVS_TIMEOUT is not a number of seconds from 0 to {_MAX_LIMIT:g}")
    return limit
