"""Where Ganeti keeps its files on a node, and we ours beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def data_directory(environ: Mapping[str, str]) -> str:
    """Ganeti's /var/lib; LOCALSTATEDIR or GANETI_ROOTDIR move it, as in its own net-common."""
    return _state(environ) + "/lib"


def run_directory(environ: Mapping[str, str]) -> str:
    """Ganeti's /var/run, moved likewise."""
    return _state(environ) + "/run"


def _state(environ: Mapping[str, str]) -> str:
    return environ.get("LOCALSTATEDIR") or environ.get("GANETI_ROOTDIR", "") + "/var"
