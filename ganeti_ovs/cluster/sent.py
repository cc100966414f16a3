"""What this master has sent to the nodes, so that each gets what is new to it, and gets it once.

A file on the master, in the place of the node's own document. It may be lost, as it
is when another node becomes the master: then all nodes are asked once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os.path import dirname
from typing import Any

from ganeti_ovs.cluster.distribute import Outcome
from ganeti_ovs.cluster.document import Lock, document_path, write_file
from ganeti_ovs.model.errors import Error

SEND_PATIENCE = 180.0
"""Seconds that a command waits for another one that is sending: a node has 60, and is reached
twice more."""
_BEGUN = "the master was ended before the node had answered"


class Sent:
    """Node -> the last document that it was sent, and what came of it.

    A context manager while documents are sent: one at a time does, so that no
    node gets an older one after a newer one. What they say is to be read inside.
    """

    def __init__(self, environ: Mapping[str, str], patience: float = 0) -> None:
        """`patience`: seconds to wait for another one who is sending."""
        self._path = f"{dirname(document_path(environ))}/sent.json"
        busy = "another change of vSwitches is being carried to the nodes"
        self._lock = Lock(environ, "send", patience, busy)
        self._nodes: dict[str, dict[str, str]] = {}
        self._read()

    def __enter__(self) -> Sent:
        self._lock.__enter__()
        self._read()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._lock.__exit__(None, None, None)

    def _read(self) -> None:
        self._nodes = {}
        try:
            with open(self._path, encoding="utf-8") as file:
                data: Any = json.load(file)
            self._nodes = {
                str(node): {"document": str(one["document"]), "error": str(one["error"])}
                for node, one in data.items()
            }
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            pass  # As if nothing had been sent: nodes that have it have nothing to do.

    def new_to(self, documents: Mapping[str, str]) -> dict[str, str]:
        """Those of `documents` (node -> document) that their nodes have not been sent.

        A node that is to have no vSwitch, and was never sent one, needs none sent.
        """
        none = {"document": _digest('{"switches": {}}')}
        return {
            node: text
            for node, text in documents.items()
            if self._nodes.get(node, none)["document"] != _digest(text)
        }

    def error(self, node: str) -> str:
        """Why the node does not have what it was sent; "" if it has."""
        return self._nodes.get(node, {}).get("error", "")

    def begin(self, documents: Mapping[str, str]) -> None:
        """Before they are sent: they are not sent again by themselves, whatever happens now."""
        for node, text in documents.items():
            self._nodes[node] = {"document": _digest(text), "error": _BEGUN}
        self._write()

    def end(self, outcomes: Mapping[str, Outcome]) -> None:
        """What came of it. A node that has tried nothing may be sent the same again.

        One that has tried, and taken it back, may have been cut off meanwhile.
        """
        for node, outcome in outcomes.items():
            self._nodes[node]["error"] = outcome.error
            if not (outcome.answer.get("applied") or outcome.answer.get("tried")):
                self._nodes[node]["document"] = ""
        self._write()

    def _write(self) -> None:
        write_file(self._path, json.dumps(self._nodes, sort_keys=True, indent=1))


def _digest(text: str) -> str:
    """Of what is wanted: not of the revision, which changes with every switch of the group."""
    try:
        wanted = json.loads(text)["switches"]
    except (ValueError, LookupError, TypeError) as err:
        raise Error(f"this is no document: {err}") from None
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
