"""The master's journal of what it has sent in vain: which nodes are to be left alone, and why.

A file on the master, in the place of the node's own document. What nodes have, they say
themselves (`ganeti_ovs.master.ask`), so nothing is lost when another one becomes the master.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ganeti_ovs.cluster import files
from ganeti_ovs.cluster.runtime import Runtime
from ganeti_ovs.linux.files import write_file
from ganeti_ovs.linux.locks import Lock
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.model.document import digest, revision_of

SEND_PATIENCE = 180.0
"""Seconds that a command waits for another one that is sending: a node has 60, and is reached
twice more."""
_LONGEST = 4 << 20
"""Bytes of the file: thousands of nodes."""
_BEGUN = "the master was ended before the node had answered"


class Journal:
    """Node -> the last document that it was sent and does not have, and why.

    A context manager while documents are sent: one at a time does, so that no
    node gets an older one after a newer one. What they say is to be read inside.
    """

    def __init__(self, here: Runtime, patience: float = 0) -> None:
        """`patience`: seconds to wait for another one who is sending."""
        self._path = f"{here.lib}/ganeti-ovs/sent.json"
        busy = "another change of vSwitches is being carried to the nodes"
        self._lock = Lock(f"{here.run}/ganeti-ovs/send.lock", patience, busy)
        self._nodes: dict[str, dict[str, str]] = {}
        self._read()

    def __enter__(self) -> Journal:
        self._lock.__enter__()
        self._read()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._lock.__exit__(None, None, None)

    def _read(self) -> None:
        self._nodes = {}
        try:
            data: Any = json.loads(files.read(self._path, _LONGEST) or "")
            self._nodes = {
                str(node): {name: str(one[name]) for name in ("document", "revision", "error")}
                for node, one in data.items()
            }
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass  # As if nothing had been sent: the nodes know themselves what they have tried.

    def alone(self, node: str, text: str) -> str:
        """Why the node is to be left alone with this document; "" if it is not.

        Only with the revision that it was sent with: after another change, by whichever
        master, it is another matter.
        """
        one = self._nodes.get(node)
        if one is None or (one["document"], one["revision"]) != (digest(text), revision_of(text)):
            return ""
        return one["error"]

    def error(self, node: str) -> str:
        """Why the node does not have what it was sent last; "" if nothing is known of that."""
        return self._nodes.get(node, {}).get("error", "")

    def forget(self, nodes: Iterable[str]) -> None:
        """Nodes that may have been other machines before. To be called while documents are sent."""
        known = self._nodes.keys() & set(nodes)
        for node in known:
            del self._nodes[node]
        if known:
            self._write()

    def begin(self, documents: Mapping[str, str]) -> None:
        """Before they are sent: they are not sent again by themselves, whatever happens now."""
        for node, text in documents.items():
            self._nodes[node] = {
                "document": digest(text),
                "revision": revision_of(text),
                "error": _BEGUN,
            }
        self._write()

    def end(self, outcomes: Mapping[str, Outcome]) -> None:
        """What came of it. A node that has tried nothing may be sent the same again.

        One that has tried, and taken it back, may have been cut off meanwhile.
        """
        for node, outcome in outcomes.items():
            if outcome.done:
                del self._nodes[node]
                continue
            self._nodes[node]["error"] = outcome.error
            if not (outcome.answer.applied or outcome.answer.tried):
                self._nodes[node]["document"] = ""
        self._write()

    def _write(self) -> None:
        write_file(self._path, json.dumps(self._nodes, sort_keys=True, indent=1))
