"""The master's view of the cluster, and changes of tags, by Ganeti's own Python library.

It comes with Ganeti, for the version that is active (/usr/share/ganeti/default),
and is imported when it is needed: gnt-ovs runs on nodes that are no masters, too.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.cluster.jobs import SETTLE, run
from ganeti_ovs.cluster.plain import LIBRARY, plain
from ganeti_ovs.cluster.switchtags import (
    MAX_TAGS,
    OTHERS,
    REVISION,
    TagChange,
    change_outcome,
    torn,
)
from ganeti_ovs.model.errors import Error


@dataclass(frozen=True)
class Group:
    """A node group."""

    name: str
    tags: frozenset[str]


@dataclass(frozen=True)
class Node:
    """A node."""

    name: str
    group: str
    tags: frozenset[str]
    offline: bool
    ssh_port: int


@dataclass(frozen=True)
class Cluster:
    """What Ganeti's configuration says."""

    name: str
    groups: dict[str, Group]
    nodes: dict[str, Node]


class Master:
    """The connection to Ganeti's master daemons. Raises Error where they are not."""

    def __init__(self) -> None:
        if not os.path.isdir(LIBRARY):
            raise Error(f"Ganeti is not installed here: there is no {LIBRARY}")
        path = os.path.realpath(LIBRARY)
        if path not in sys.path:
            sys.path.insert(0, path)
        with plain(None):
            self._cli: Any = importlib.import_module("ganeti.cli")
            self._constants: Any = importlib.import_module("ganeti.constants")
            self._opcodes: Any = importlib.import_module("ganeti.opcodes")
        with plain(self._cli):
            self._client = self._cli.GetClient()

    def read(self) -> Cluster:
        """The groups and nodes with their tags, not in the middle of a change."""
        cluster = self._read()
        owners: list[Group | Node] = [*cluster.groups.values(), *cluster.nodes.values()]
        if any(torn(owner.tags) for owner in owners):
            self.settle()
            cluster = self._read()
        return cluster

    def _read(self) -> Cluster:
        with plain(self._cli):
            (name,) = self._client.QueryConfigValues(["cluster_name"])
            groups = self.query(self._constants.QR_GROUP, ["name", "tags"])
            nodes = self.query(
                self._constants.QR_NODE, ["name", "group", "tags", "offline", "ndp/ssh_port"]
            )
        return Cluster(
            name,
            {one[0]: Group(one[0], frozenset(one[1])) for one in groups},
            {
                one[0]: Node(one[0], one[1], frozenset(one[2]), bool(one[3]), int(one[4]))
                for one in nodes
            },
        )

    def settle(self) -> None:
        """Wait until no job changes tags any more: one that was left alone, in the worst case.

        NOTE: a job's opcodes are carried out one after another, and others see what is between.
        Raises Error after SETTLE seconds.
        """
        ended = [["!=", "status", word] for word in sorted(self._constants.JOBS_FINALIZED)]
        deadline = time.monotonic() + SETTLE
        while True:
            with plain(self._cli):
                rows = self._client.Query(self._constants.QR_JOB, ["id", "ops"], ["&", *ended]).data
            busy = [row[0][1] for row in rows if any(map(self._of_ours, row[1][1] or ()))]
            if not busy:
                return
            if time.monotonic() > deadline:
                raise Error(
                    f"job {busy[0]} has been changing tags for {SETTLE} s; see gnt-job info"
                )
            time.sleep(0.2)

    def _of_ours(self, opcode: dict[str, Any]) -> bool:
        """Whether a job's opcode changes tags of nodes or groups; instances' are no matter."""
        kinds = (self._constants.TAG_NODE, self._constants.TAG_NODEGROUP)
        return opcode.get("OP_ID") in ("OP_TAGS_SET", "OP_TAGS_DEL") and opcode["kind"] in kinds

    def reach(self, cluster: Cluster, node: str, command: str) -> list[str]:
        """The ssh call that runs a shell command on a node as root, in Ganeti's own way."""
        runner = importlib.import_module("ganeti.ssh").SshRunner(cluster.name)
        port = cluster.nodes[node].ssh_port
        built: list[str] = runner.BuildCmd(node, "root", command, port=port, quiet=False)
        return built

    def change_tags(
        self, owner: Group | Node, revisions: Sequence[str], tags: TagChange, what: str
    ) -> None:
        """Change a group's or a node's tags in one job, if nobody has since they were read.

        The `revisions` that were read go first, which fails when another change has taken them;
        then nothing is done. `what` is the job's reason, for Ganeti's log.
        """
        is_node = isinstance(owner, Node)
        name = f"{'node' if is_node else 'node group'} {owner.name}"
        word = f"{time.time_ns() // 10**6}.{os.urandom(3).hex()}"
        self._room(owner.tags, tags, name)
        # What is added first: no reader finds a setting gone that only gets another value.
        jobs = [
            *([("TagsDel", [f"{REVISION}{old}" for old in revisions])] if revisions else []),
            ("TagsSet", (*tags.add, f"{REVISION}{word}")),
            *([("TagsDel", tags.remove)] if tags.remove else []),
        ]
        kind = self._constants.TAG_NODE if is_node else self._constants.TAG_NODEGROUP
        failed = None
        try:
            self._submit([self._tags(verb, kind, owner.name, some, what) for verb, some in jobs])
        except Error as err:
            failed = err
        if not failed and revisions:
            return  # Nobody else had taken them.
        try:
            self.settle()
            cluster = self._read()
        except Error as err:
            raise Error(f"{failed or err}; whether {name} was changed is not known") from err
        found: Mapping[str, Group | Node] = cluster.nodes if is_node else cluster.groups
        if owner.name not in found:
            raise Error(f"{name} is not there any more")
        remove = f"gnt-{'node' if is_node else 'group'} remove-tags {owner.name}"
        outcome = change_outcome(found[owner.name].tags, word, revisions, tags, remove)
        if outcome:
            said = f"{failed}; " if failed and outcome is not OTHERS else ""
            raise Error(f"{said}{name} {outcome}")

    def _room(self, now: frozenset[str], tags: TagChange, owner: str) -> None:
        if len(now) + len(tags.add) + 1 > MAX_TAGS:
            raise Error(f"{owner} would have more than {MAX_TAGS} tags, which Ganeti does not take")

    def _tags(self, name: str, kind: str, owner: str, tags: Sequence[str], what: str) -> Any:
        opcode = getattr(self._opcodes, f"Op{name}")(kind=kind, name=owner, tags=list(tags))
        opcode.reason = [("gnt-ovs", what, time.time_ns())]
        return opcode

    def _submit(self, opcodes: list[Any]) -> None:
        run(self._cli, self._constants, self._client, opcodes)

    def query(
        self, kind: str, fields: list[str], beside: Sequence[str] = ()
    ) -> Iterator[list[Any]]:
        """A row's values for each object of this kind; raises Error if one is not to be had.

        Of the fields `beside` these, which not every Ganeti knows, it is None then.
        """
        asked = [*fields, *beside]
        for row in self._client.Query(kind, asked, None).data:
            for field, (status, _value) in zip(asked, row, strict=True):
                if status != self._constants.RS_NORMAL and field not in beside:
                    raise Error(f"Ganeti does not say {', '.join(fields)} of every {kind}")
            yield [value if status == self._constants.RS_NORMAL else None for status, value in row]
