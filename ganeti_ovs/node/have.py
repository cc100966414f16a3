"""gnt-ovs node-apply --have: what this node keeps, and what it has tried in vain."""

from __future__ import annotations

from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import pending
from ganeti_ovs.node.document import change_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


_GLANCE = 1.0
"""Seconds in which another one who only looks (a dry run) has done so."""


def have(environ: Mapping[str, str]) -> dict[str, Any]:
    """Digests of documents: `have` is kept (None: none is), `tried` was taken back, and why.

    `under_way` instead of the latter as long as somebody changes them, or waits to be confirmed.
    """
    try:
        with change_lock(environ, _GLANCE, shared=True):
            kept, tried = pending.kept_digest(environ), pending.tried(environ)
    except Busy:
        return _under_way(environ)
    except Error as err:
        return {"error": str(err)}
    return {
        "have": kept,
        "tried": None if tried is None else {"digest": tried[0], "error": tried[1]},
    }


def _under_way(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {"have": pending.kept_digest(environ), "tried": None, "under_way": True}
    except Error as err:
        return {"error": str(err)}
