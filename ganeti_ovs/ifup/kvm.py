"""kvm-vif-bridge: what Ganeti 3.0 and 3.1 execute for every tap of every KVM instance.

Ganeti skips its built-in set-up when this file exists, so NICs of other modes
get here what they would have got there, by Ganeti's own functions.
"""

from __future__ import annotations

import gc
import os
import sys

# NOTE: a call has ended before there is garbage that counts, and to look for it takes half a
# millisecond, most of it while modules are loaded.
gc.disable()

from ganeti_ovs.ifup import local, nic, outcome  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

NET_COMMON = "/usr/lib/ganeti/net-common"

# What Ganeti's kvm-ifup does when there is no kvm-vif-bridge, less setup_ovs. Its own
# name as $0, as its log lines carry it.
_STOCK = f"""
source {NET_COMMON}
check
is_instance_communication_tap && exit 0
setup_bridge
setup_route
"""


def main() -> int:
    """The script's exit code. Everything comes by the environment; there are no arguments."""
    environ = dict(os.environ)
    return outcome.of(lambda: _main(environ), environ, attaches=True)


def _main(environ: dict[str, str]) -> int:
    script = local.local_script(sys.argv[0])
    if environ.get("MODE") != "openvswitch":
        nic.clear(environ)
        if script:
            local.replace_by(script, [], environ)
        stock(environ)
    if script:
        code = outcome.of_script(script, [], environ)
        if code:
            nic.give_up(environ)
            return code
    return nic.up(environ)


def stock(environ: dict[str, str]) -> NoReturn:
    """Become Ganeti's own set-up of a bridged or routed NIC."""
    local.become("/bin/bash", ["bash", "-c", _STOCK, "/usr/lib/ganeti/kvm-ifup"], environ)
