"""gnt-ovs from its start: node-apply as the master calls it, or the command for people.

NOTE: what reads a command line for people takes three times as long to import as
node-apply takes in all, and the master starts one on every node of a group.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FLAGS = {"--dry-run": "dry_run", "--force": "force", "--have": "have"}


def main() -> int:
    """The exit code; see ganeti_ovs.cli.main."""
    from ganeti_ovs.linux.ending import ended

    return ended("gnt-ovs", _main, _say)


def _main() -> int:
    if sys.flags.no_site:
        import site

        site.main()
    options = from_master(sys.argv[1:])
    if options is None:
        return _for_people()
    from ganeti_ovs.cli.nodeapply import carry_out

    return 0 if carry_out(**options) else 1


def _say(line: str) -> None:
    print(f"gnt-ovs: {line}", file=sys.stderr)


def from_master(words: list[str]) -> dict[str, Any] | None:
    """The options of carry_out, if these words are such as the master's; else None."""
    if words[:2] != ["node-apply", "--json"]:
        return None
    options: dict[str, Any] = {"as_json": True}
    rest = iter(words[2:])
    for word in rest:
        if word in _FLAGS:
            options[_FLAGS[word]] = True
        elif word == "--confirm":
            seconds = next(rest, "")
            if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 3):
                return None
            options["confirm"] = float(seconds)
        else:
            return None
    return options


def _for_people() -> int:
    from ganeti_ovs.cli.main import main as people

    return people()
