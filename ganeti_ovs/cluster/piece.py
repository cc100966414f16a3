"""One object out of Ganeti's config.data, without parsing all of it: that takes long in a large
cluster, and hooks need a few instances.

config.data is {"instances": {UUID: {"name": …, "uuid": UUID, …}, …}, "networks": {…}, …}, in one
line without spaces. NOTE: so wconfd writes it (Text.JSON's encode); what is written otherwise is
not found here. What is found is a whole JSON object that stands under its own UUID: in a text, a
backslash stands before each quote, so none there can begin such a key.
"""

from __future__ import annotations

import json
from typing import Any

_UUID = 36
"""Characters of a UUID."""
_STEPS = 50
"""Objects that may begin between an instance's own beginning and its name: hvparams, say."""
_DECODER = json.JSONDecoder()


def instance(text: str, name: str) -> dict[str, Any] | None:
    """The instance with this name. None: it may be there all the same."""
    needle = f'"name":{json.dumps(name)}'
    at = text.find(needle)
    while at >= 0:
        start = at
        for _step in range(_STEPS):
            start = text.rfind('":{', 0, start)
            if start < 0:
                break
            found, end = _object(text, start)
            if end > at:
                # Nodes and networks have names, too.
                if found.get("name") == name and isinstance(found.get("nics"), list):
                    return found
                break
        at = text.find(needle, at + 1)
    return None


def network(text: str, uuid: str) -> dict[str, Any] | None:
    """The network with this UUID. None: it may be there all the same."""
    needle = f"{json.dumps(uuid)}:{{"
    at = text.find(needle)
    while at >= 0:
        found, _end = _object(text, at + len(needle) - len('":{'))
        # Node groups refer to networks by objects under the same key.
        if "network" in found and isinstance(found.get("tags", []), list):
            return found
        at = text.find(needle, at + 1)
    return None


def _object(text: str, start: int) -> tuple[dict[str, Any], int]:
    """The object whose key ends at `start` and is its UUID, and where it ends; else ({}, 0)."""
    key = text[max(start - _UUID, 0) : start]
    if text[max(start - _UUID - 2, 0) : max(start - _UUID, 0)] not in ('{"', ',"'):
        return {}, 0
    try:
        found, end = _DECODER.raw_decode(text, start + len('":'))
    except (ValueError, RecursionError):
        return {}, 0
    return (found, end) if isinstance(found, dict) and found.get("uuid") == key else ({}, 0)
