"""Nodes for make bench-distribute: a program in the place of ssh answers for all of them."""

from __future__ import annotations

import time
from pathlib import Path

DELAY = 0.2
"""Seconds after which a node answers, each time."""

# What gnt-ovs starts in the place of ssh: "… root@NODE COMMAND", with Ganeti's own options. It
# speaks as gnt-ovs node-apply does, and costs next to nothing, so that 32 nodes do not share
# the cores of this machine. A file keeps the node's document.
_SSH = f"""#!/bin/sh
for word; do node=${{command-}}; command=$word; done
file=${{0%/*}}/${{node#root@}}
[ "$command" != true ] || exec sleep {DELAY}
case $command in
*node-status*)
    read -r document
    sleep {DELAY}
    exec echo '{{"format": 1, "node": "x", "version": "0", "daemon": {{"alive": true}}}}' ;;
*reconcile*)
    sleep {DELAY}
    exec echo '{{"done": [], "left": [], "problems": []}}' ;;
esac
read -r document
sleep {DELAY}
kept=
[ ! -e "$file" ] || read -r kept <"$file"
changes='"sw0: adopted"' differences='{{"kind": "adopted", "switch": "sw0"}}'
[ "$document" != "$kept" ] || changes= differences=
echo '{{"format": 2, "applied": true, "changes": ['"$changes"'],' \
    '"differences": ['"$differences"'], "warnings": []}}'
case $command in *--dry-run*) exit ;; esac
read -r word
[ "$word" = confirm ] || exit 1
sleep {DELAY}
printf '%s\\n' "$document" >"$file"
echo '{{"format": 2, "confirmed": true}}'
"""


def stand_in(directory: Path) -> Path:
    """Make the program that is ssh, and all nodes, in `directory`; return its path."""
    ssh = directory / "ssh"
    ssh.write_text(_SSH)
    ssh.chmod(0o755)
    return ssh


def wait_idle(limit: float = 3.0) -> None:
    """Wait until the machine's processors are idle, or, on a busy machine, for `limit` seconds."""
    deadline = time.monotonic() + limit
    share = 0.0
    before = _idle()
    while share < 0.95 and time.monotonic() < deadline:
        time.sleep(0.3)
        now = _idle()
        share = (now[0] - before[0]) / max(now[1] - before[1], 1)
        before = now


def _idle() -> tuple[int, int]:
    """(idle, all) of the processors' ticks so far."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
