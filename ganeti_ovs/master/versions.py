"""Which nodes have another ganeti-ovs than the master."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = 3
"""Nodes that a line names."""


def other_versions(found: Mapping[str, str | None], ours: str = __version__) -> list[str]:
    """A line, or none, about nodes of other versions than `ours`.

    `found`: node -> its version; "": it does not say, as older ones do; None: nothing is known.
    """
    others = [
        f"{node} {version or '(an older one)'}"
        for node, version in sorted(found.items())
        if version not in (None, ours)
    ]
    if not others:
        return []
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    named = ", ".join(others[:_NAMED]) + more
    return [f"other versions of ganeti-ovs than {ours} of the master: {named}; install one on all"]
