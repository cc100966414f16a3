"""gnt-ovs node-apply --have: what this node keeps, and what it has tried in vain."""

from __future__ import annotations

from typing import Any

from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import pending
from ganeti_ovs.node.document import change_lock, kept_digest

_GLANCE = 1.0
"""Seconds in which a change that ends just now has ended."""


def have(runtime: Runtime) -> dict[str, Any]:
    """Digests of documents: `have` is kept (None: none is), `tried` was rolled back, and why.

    `under_way` instead of the latter as long as somebody changes them, or waits to be confirmed.
    """
    try:
        with change_lock(runtime, _GLANCE, shared=True):
            kept, tried = kept_digest(runtime), pending.tried(runtime)
    except Busy:
        return _under_way(runtime)
    except Error as err:
        return {"error": str(err)}
    return {
        "have": kept,
        "tried": None if tried is None else {"digest": tried[0], "error": tried[1]},
    }


def _under_way(runtime: Runtime) -> dict[str, Any]:
    try:
        return {"have": kept_digest(runtime), "tried": None, "under_way": True}
    except Error as err:
        return {"error": str(err)}
