"""network/openvswitch/up and down: what Ganeti 3.2 executes for NICs of mode openvswitch."""

from __future__ import annotations

import gc
import os
import sys

gc.disable()  # As in ganeti_ovs.ifup.kvm.

from ganeti_ovs.ifup import local, nic, outcome  # noqa: E402
from ganeti_ovs.linux.ending import stderr  # noqa: E402
from ganeti_ovs.model.errors import quoted  # noqa: E402


def main() -> int:
    """The script's exit code. ACTION says what to do; without it, the script's own name."""
    environ = dict(os.environ)
    action = environ.get("ACTION") or os.path.basename(sys.argv[0])
    return outcome.of(lambda: _main(action, environ), environ, attaches=action == "up")


def _main(action: str, environ: dict[str, str]) -> int:
    script = local.local_script(sys.argv[0])
    if action == "up":
        if script:
            code = outcome.of_script(script, [], environ)
            if code:
                nic.give_up(environ)
                return code
        return nic.up(environ)
    if action == "down":
        code = nic.down(environ)
        return local.run(script, [], environ) or code if script else code
    stderr(f"ACTION is {quoted(action)}, neither up nor down")
    return 1
