"""gnt-ovs node-apply --have: what this node keeps, and what it has tried in vain."""

from __future__ import annotations

from ganeti_ovs.cluster import pending
from ganeti_ovs.model.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def have(environ: Mapping[str, str]) -> dict[str, Any]:
    """Digests of documents: `have` is kept (None: none is), `tried` was taken back, and why."""
    try:
        kept, tried = pending.kept_digest(environ), pending.tried(environ)
    except Error as err:
        return {"error": str(err)}
    return {
        "have": kept,
        "tried": None if tried is None else {"digest": tried[0], "error": tried[1]},
    }
