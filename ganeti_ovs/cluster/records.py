"""What Ganeti last said of each tap's NIC, kept on this node until the tap is used anew.

Ganeti tells a NIC's tags only to its network script, and keeps no file of them
on the node; without a record of our own a lost OVS database would cost the
limits. One file per tap below /var/run, which is empty after a reboot, as are
the taps. The form is that of the environment: NAME=value lines.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NIC_VARIABLES = (
    "INSTANCE", "MAC", "MODE", "INTERFACE", "INTERFACE_INDEX", "INTERFACE_UUID", "INTERFACE_NAME",
    "TAGS", "LINK", "VLAN", "NETWORK_TAGS", "PORT_TYPE", "MAX_BANDWIDTH", "MAX_BURST",
)  # fmt: skip
"""All that `ganeti_ovs.cluster.environment` reads."""


def run_directory(environ: Mapping[str, str]) -> str:
    """Ganeti's /var/run, which its own scripts let tests move (net-common)."""
    root = environ.get("LOCALSTATEDIR") or environ.get("GANETI_ROOTDIR", "") + "/var"
    return root + "/run"


def write(environ: Mapping[str, str], nic: Mapping[str, str]) -> None:
    """Keep what `nic` says, under the tap that its INTERFACE names (validated by the caller).

    `environ` says where. Raises OSError. Whole or not at all: readers never see half a record.
    """
    directory = run_directory(environ) + "/ganeti-ovs/nic"
    path = f"{directory}/{nic['INTERFACE']}"
    lines = [
        f"{name}={nic[name]}\n" for name in NIC_VARIABLES if nic.get(name) and "\n" not in nic[name]
    ]
    data = "".join(lines).encode("utf-8", "surrogateescape")
    new = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        handle = os.open(new, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(directory, 0o755, exist_ok=True)
        handle = os.open(new, flags, 0o600)
    try:
        os.write(handle, data)
    finally:
        os.close(handle)
    os.rename(new, path)


def forget(environ: Mapping[str, str], tap: str) -> None:
    """Remove the record of `tap`, if there is one."""
    path = f"{run_directory(environ)}/ganeti-ovs/nic/{tap}"
    if os.path.exists(path):
        os.unlink(path)


def read_all(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """All records, by tap."""
    directory = run_directory(environ) + "/ganeti-ovs/nic"
    records = {}
    try:
        taps = os.listdir(directory)
    except FileNotFoundError:
        return {}
    for tap in taps:
        try:
            with open(f"{directory}/{tap}", encoding="utf-8", errors="surrogateescape") as file:
                lines = [line.partition("=") for line in file.read().splitlines()]
        except FileNotFoundError:
            continue
        record = {name: value for name, equals, value in lines if equals and name in NIC_VARIABLES}
        if record.get("INTERFACE") == tap:
            records[tap] = record
    return records
