"""vif-custom: what Ganeti's vif-ganeti executes for every interface of every Xen instance.

Xen calls it with `online` and `offline` for a vif, with `add` and `remove` for
the emulated interface of an HVM guest, and learns from xenstore how it ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from ganeti_ovs.cluster import xen
from ganeti_ovs.cluster.environment import said_in
from ganeti_ovs.cluster.runtime import run_directory
from ganeti_ovs.ifup import local, nic, outcome
from ganeti_ovs.ifup.kvm import NET_COMMON
from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from typing import NoReturn

_XENSTORE_LIMIT = 5.0
"""Seconds that xenstore-write may take."""

# What Ganeti's vif-ganeti does when there is no vif-custom, less setup_ovs; but the NIC's
# data come as environment and are not run as a script.
_STOCK = f"""
nic_interface=$INTERFACE
source {NET_COMMON}
. "$(dirname "$0")/vif-common.sh"
INTERFACE=$nic_interface
setup_bridge
setup_route
success
"""


def main() -> int:
    """The script's exit code; arguments as Xen gives them: a command and name=value pairs."""
    environ = dict(os.environ)
    arguments = sys.argv[1:]
    vif = environ.get("vif") or environ.get("INTERFACE", "")
    attaches = bool({"online", "add"}.intersection(arguments))
    told = {**environ, "INTERFACE": vif}
    return outcome.of(lambda: _main(arguments, environ), told, attaches=attaches)


def _main(arguments: list[str], environ: dict[str, str]) -> int:
    command = next((word for word in arguments if "=" not in word), "")
    pairs = dict(word.split("=", 1) for word in arguments if "=" in word)
    emulated = pairs.get("type_if", environ.get("type_if", "vif")) == "tap"
    if command not in (("add", "remove") if emulated else ("online", "offline")):
        # vif-common.sh, too, ends quietly when the command is for the other type.
        return 0
    vif = environ.get("INTERFACE" if emulated else "vif", "")
    script = local.local_script(sys.argv[0])
    try:
        nic_environ = {**environ, **xen.nic_variables(vif, run_directory(environ))}
    except Error as err:
        if command in ("offline", "remove"):
            # The domain has gone already; the port's own mark says enough.
            return _down(vif, environ, script, arguments)
        return _failed(environ, emulated, nic.fail(said_in({**environ, "INTERFACE": vif}), err))
    if nic_environ.get("MODE") != "openvswitch":
        nic.clear(nic_environ)
        if script:
            local.replace_by(script, arguments, environ)
        _stock(nic_environ, arguments)
    if command in ("offline", "remove"):
        return _down(vif, nic_environ, script, arguments)
    code = outcome.of_script(script, arguments, environ) if script else 0
    code = code or nic.up(nic_environ)
    if code:
        return _failed(environ, emulated, code)
    if not emulated:
        _tell_xen(environ, "hotplug-status", "connected")
    return 0


def _down(vif: str, environ: dict[str, str], script: str | None, arguments: list[str]) -> int:
    code = nic.down({**environ, "INTERFACE": vif})
    return local.run(script, arguments, environ) or code if script else code


def _failed(environ: dict[str, str], emulated: bool, code: int) -> int:
    if not emulated:
        _tell_xen(environ, "hotplug-error", f"ganeti-ovs failed with exit code {code}; see syslog")
        _tell_xen(environ, "hotplug-status", "error")
    return code


def _tell_xen(environ: dict[str, str], key: str, value: str) -> None:
    path = environ.get("XENBUS_PATH")
    if not path:
        return
    try:
        subprocess.run(
            ["xenstore-write", f"{path}/{key}", value],
            env=environ,
            stdin=subprocess.DEVNULL,
            timeout=_XENSTORE_LIMIT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as err:
        print(f"ganeti-ovs: xenstore does not take {key}: {err}", file=sys.stderr)


def _stock(environ: dict[str, str], arguments: list[str]) -> NoReturn:
    """Become Ganeti's own set-up of a bridged or routed vif."""
    beside = os.path.join(os.path.dirname(sys.argv[0]), "vif-ganeti")
    local.become("/bin/bash", ["bash", "-c", _STOCK, beside, *arguments], environ)
