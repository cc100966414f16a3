"""Guests' ports of nodes put right: all nodes at once over ssh, each by its own reconcile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from ganeti_ovs.master.answers import NotUnderstood
from ganeti_ovs.master.status import why_none
from ganeti_ovs.master.transport import Connection, NoAnswer, Reach
from ganeti_ovs.model.errors import printable

COMMAND = "reconcile"
LIMIT = 90.0
"""Seconds that a node has: it waits 60 s for others that work at its ports."""


@dataclass(frozen=True)
class Ports:
    """What one node has done to its guests' ports, or would do; a line each."""

    node: str
    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """What is left alone though it looks odd."""
    problems: tuple[str, ...] = ()
    """What cannot be put right there; also that the node does not say."""
    warnings: tuple[str, ...] = ()
    """What others had hung on ports that went."""


def unheard(_ports: Ports) -> None:
    """Nobody wants to be told."""


def reconcile_ports(
    nodes: Iterable[str],
    reach: Reach,
    *,
    dry_run: bool = False,
    told: Callable[[Ports], None] = unheard,
) -> dict[str, Ports]:
    """Node -> what it has done. Never raises for a node; `told` is called in this thread."""
    names = sorted(nodes)
    found: dict[str, Ports] = {}
    if not names:
        return found
    with ThreadPoolExecutor(len(names)) as pool:
        futures = [pool.submit(_checked, node, reach, dry_run) for node in names]
        for future in as_completed(futures):
            ports = future.result()
            found[ports.node] = ports
            told(ports)
    return dict(sorted(found.items()))


def _checked(node: str, reach: Reach, dry_run: bool) -> Ports:
    try:
        command = f"gnt-ovs {COMMAND} --json" + " --dry-run" * dry_run
        with Connection(reach(node, command)) as one:
            return _read(node, one.ask(None, LIMIT, last=True))
    except (NoAnswer, NotUnderstood) as err:
        return _unknown(node, why_none(str(err), COMMAND))
    except ValueError:
        return _unknown(node, "its answer is not whole; another ganeti-ovs?")
    except (OSError, LookupError, TypeError, RecursionError) as err:
        return _unknown(node, f"{type(err).__name__}: {err}")


def _unknown(node: str, why: str) -> Ports:
    return Ports(node, problems=(f"whether its guests' ports are right is unknown: {why}",))


def _read(node: str, data: Mapping[str, Any]) -> Ports:
    data = {"warnings": [], **data}  # Older versions say nothing of it.
    return Ports(node, *(_lines(data, name) for name in ("done", "left", "problems", "warnings")))


def _lines(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise NotUnderstood(f"it does not say what is {name}; another ganeti-ovs?")
    return tuple(printable(one) for one in found)
