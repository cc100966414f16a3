"""A change of vSwitches, from the command line to all nodes: check, store, carry out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import click

from ganeti_ovs.cli.difference import shown
from ganeti_ovs.cluster.master import Cluster, Group, Master, Node
from ganeti_ovs.cluster.switchtags import Settings, Stored, change
from ganeti_ovs.master.desired import Wanted, documents, read_wanted
from ganeti_ovs.master.distribute import Outcome, distribute
from ganeti_ovs.master.journal import SEND_PATIENCE, Sent
from ganeti_ovs.model.errors import Error

Carried = tuple[dict[str, Outcome], list[str]]
"""How it went on each node, and the nodes that are offline."""


def chosen_group(cluster: Cluster, name: str | None) -> Group:
    """The group with this name; without one, the only group there is."""
    if name is None:
        if len(cluster.groups) != 1:
            raise Error(f"say which node group (-g): {', '.join(sorted(cluster.groups))}")
        return next(iter(cluster.groups.values()))
    if name not in cluster.groups:
        raise Error(f"there is no node group {name}: {', '.join(sorted(cluster.groups))}")
    return cluster.groups[name]


@dataclass(frozen=True)
class Run:
    """One command's work on one node group. Its methods return the exit code."""

    master: Master
    cluster: Cluster
    wanted: Wanted
    dry_run: bool = False
    force: bool = False
    as_json: bool = False

    def change_group(self, after: Mapping[str, Settings], what: str) -> int:
        """Make `after` what the group keeps, and carry it out."""
        group, stored = self.wanted.group, self.wanted.stored
        tags = change(stored, after)
        then = Wanted(group, Stored(dict(after), stored.revisions), self.wanted.nodes)
        if not self._possible(then):
            return 1
        if self.dry_run:
            return 0
        if tags.add or tags.remove:
            self.master.change_tags(group, stored.revisions, tags, what)
        return self._carry_out()

    def change_node(self, node: Node, after: Mapping[str, Settings], what: str) -> int:
        """Make `after` what the node has of its own, and carry it out there."""
        stored = self.wanted.nodes[node.name]
        tags = change(stored, after, is_node=True)
        own = Stored(dict(after), stored.revisions)
        then = Wanted(self.wanted.group, self.wanted.stored, {node.name: own})
        if not self._possible(then):
            return 1
        if self.dry_run:
            return 0
        if tags.add or tags.remove:
            self.master.change_tags(node, stored.revisions, tags, what)
        return self._carry_out(node.name)

    def _carry_out(self, node: str | None = None) -> int:
        try:
            return self.apply(node)
        except Error as err:
            raise Error(
                f"{err}; the change is stored, but not carried to the nodes: gnt-ovs apply"
            ) from err

    def apply(self, node: str | None = None) -> int:
        """Bring the group's nodes, or one of them, what is kept for them."""
        if self.dry_run:
            outcomes, offline = self.ask(node)
        else:
            with Sent(os.environ, SEND_PATIENCE) as sent:
                # As it is now: another change may have been stored and sent meanwhile.
                outcomes, offline = self._again()._send(node, sent)
        self._say(outcomes, offline, dry_run=self.dry_run)
        return 0 if all(outcome.done for outcome in outcomes.values()) else 1

    def _send(self, node: str | None, sent: Sent) -> Carried:
        found, offline = documents(self.cluster, self._only(node))
        sent.begin(found)
        outcomes = self._carried(found, dry_run=False)
        sent.end(outcomes)
        return outcomes, offline

    def ask(self, node: str | None = None) -> Carried:
        """What every node, or one of them, would do."""
        return self._ask(self._only(node))

    def _ask(self, wanted: Wanted) -> Carried:
        found, offline = documents(self.cluster, wanted)
        return self._carried(found, dry_run=True), offline

    def _only(self, node: str | None) -> Wanted:
        wanted = self.wanted
        if node is None:
            return wanted
        if node not in wanted.nodes:
            raise Error(f"node {node} has left node group {wanted.group.name}; try again")
        return Wanted(wanted.group, wanted.stored, {node: wanted.nodes[node]})

    def _again(self) -> Run:
        """The same with what Ganeti has now."""
        self.master.settle()
        cluster = self.master.read()
        wanted = read_wanted(cluster, chosen_group(cluster, self.wanted.group.name))
        return replace(self, cluster=cluster, wanted=wanted)

    def _say(self, outcomes: Mapping[str, Outcome], offline: list[str], *, dry_run: bool) -> None:
        if self.as_json:
            _json(self.wanted.group.name, outcomes, offline, dry_run=dry_run)
        else:
            _table(outcomes, offline, dry_run=dry_run)

    def _possible(self, then: Wanted) -> bool:
        """Ask every node what it would do; True if none refuses. Shows the differences."""
        outcomes, offline = self._ask(then)
        refused = [name for name, outcome in outcomes.items() if not outcome.done]
        if self.dry_run or refused:
            self._say(outcomes, offline, dry_run=True)
        if refused:
            click.echo(f"nothing was changed, because of {', '.join(refused)}", err=True)
        return not refused

    def _carried(self, found: Mapping[str, str], *, dry_run: bool) -> dict[str, Outcome]:
        from rich.console import Console
        from rich.progress import Progress

        reach = partial(self.master.reach, self.cluster)
        console = Console(stderr=True)
        if not console.is_terminal:
            return distribute(found, reach, dry_run=dry_run, force=self.force)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("asking" if dry_run else "changing", total=len(found))
            return distribute(
                found,
                reach,
                dry_run=dry_run,
                force=self.force,
                on_result=lambda _outcome: progress.advance(task),
            )


def _json(
    group: str, outcomes: Mapping[str, Outcome], offline: list[str], *, dry_run: bool
) -> None:
    rows = [
        {
            "node": name,
            "offline": False,
            "done": outcome.done,
            "changes": outcome.words,
            "warnings": outcome.warnings,
            "error": outcome.error,
        }
        for name, outcome in outcomes.items()
    ]
    rows += [
        {"node": name, "offline": True, "done": False, "changes": [], "warnings": [], "error": ""}
        for name in offline
    ]
    click.echo(json.dumps({"group": group, "dry_run": dry_run, "nodes": rows}))


def _table(outcomes: Mapping[str, Outcome], offline: list[str], *, dry_run: bool) -> None:
    """Node after node: what was changed, what is odd, what went wrong."""
    for name, outcome in outcomes.items():
        if not outcome.done:
            click.echo(f"{name}: " + click.style(f"failed: {outcome.error}", fg="red"))
        elif not outcome.words:
            click.echo(f"{name}: " + "nothing to do")
        else:
            click.echo(f"{name}: " + ("would be changed" if dry_run else "changed"))
        for word in outcome.words if outcome.done else ():
            click.echo("  " + shown(word))
        for word in outcome.warnings:
            click.echo("  " + click.style(f"warning: {word}", fg="yellow"))
    for name in offline:
        click.echo(f"{name}: offline, skipped; it gets it when it is back")
