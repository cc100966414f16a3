"""network/openvswitch/up and down: what Ganeti 3.2 executes for NICs of mode openvswitch."""

from __future__ import annotations

import os
import sys

from ganeti_ovs.ifup import local, nic


def main() -> int:
    """The script's exit code. ACTION says what to do; without it, the script's own name."""
    environ = dict(os.environ)
    action = environ.get("ACTION") or os.path.basename(sys.argv[0])
    script = local.local_script(sys.argv[0])
    if action == "up":
        if script:
            code = local.run(script, [], environ)
            if code:
                nic.give_up(environ)
                return code
        return nic.up(environ)
    if action == "down":
        code = nic.down(environ)
        return local.run(script, [], environ) or code if script else code
    print(f"ganeti-ovs: ACTION is {action!a}, neither up nor down", file=sys.stderr)
    return 1
