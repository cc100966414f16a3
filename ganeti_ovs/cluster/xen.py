"""Ganeti's NIC data of a Xen instance: from the vif's name to the environment of the script.

Ganeti writes what it knows of each NIC to RUN_DIR/xen-hypervisor/nic/DOMAIN/INDEX
(XenHypervisor._WriteNICInfoFile), as text that its own script sources in a shell.
Here it is only read.
"""

from __future__ import annotations

from ganeti_ovs.cluster import files
from ganeti_ovs.model.errors import Error, quoted
from ganeti_ovs.model.names import instance_name

_TOOL_LIMIT = 5.0
"""Seconds that xl, xm or xenstore-read may take."""

_LONGEST_NAME = 15
"""Characters of an interface's name."""

_INCOMING = "--incoming"
"""What xl appends to a domain's name while it is being migrated to this node."""


def vif_numbers(vif: str) -> tuple[str, str]:
    """(domain ID, NIC index) from the vif's name: vif7.0, or vif7.0-emu of an HVM guest.

    Raises Error for other names.
    """
    name = vif[: -len("-emu")] if vif.endswith("-emu") else vif
    domain, _dot, index = name[len("vif") :].partition(".")
    if (
        not name.startswith("vif")
        or not vif.isascii()
        or len(vif) > _LONGEST_NAME
        or not (domain.isdigit() and index.isdigit())
    ):
        raise Error(f"{quoted(vif)} is no Xen interface (vif<domain>.<index>)")
    return domain, index


def domain_name(domain: str) -> str:
    """The name of the domain with ID `domain`, asked of xl, xm, or else of xenstore.

    Raises Error when none of them knows it.
    """
    for command in (
        ["xl", "domname", domain],
        ["xm", "domname", domain],
        ["xenstore-read", f"/local/domain/{domain}/name"],
    ):
        name = _output(command)
        if name:
            if name.endswith(_INCOMING):
                name = name[: -len(_INCOMING)]
            return instance_name(name)
    raise Error(f"neither xl, xm nor xenstore-read knows the name of domain {domain}")


def nic_variables(vif: str, run: str) -> dict[str, str]:
    """The variables of `vif`'s NIC, as KVM's script has them; `run`: Runtime.run. Raises Error."""
    domain, index = vif_numbers(vif)
    name = domain_name(domain)
    path = f"{run}/ganeti/xen-hypervisor/nic/{name}/{int(index)}"
    text = files.read(path)
    # A NUL can stand in no environment.
    if text is None or "\0" in text:
        what = "there is no such file, or it is none of text"
        raise Error(f"Ganeti's NIC data cannot be read: {path}: {what}")
    return {**parse_nic_file(text), "INSTANCE": name, "INTERFACE": vif}


def parse_nic_file(text: str) -> dict[str, str]:
    r"""The variables of a NIC file: lines NAME=value or NAME="value".

    NOTE: Ganeti joins tags by a backslash and a space inside double quotes,
    where a shell leaves both; tags hold neither, so they are split here.
    """
    variables = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if not equals or not name.replace("_", "").isalnum():
            continue
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1]
        variables[name] = value.replace("\\ ", " ")
    return variables


def _output(command: list[str]) -> str:
    import subprocess  # Most nodes have no Xen.

    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TOOL_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
