"""What make install says where a script of the administrator's own was there before."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def put(destination: Path) -> str:
    command = ["scripts/put-script", "scripts/hook.in", str(destination), "/usr/lib/ganeti-ovs"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["kvm-vif-bridge", "up"])
def test_your_own_script(name: str, tmp_path: Path) -> None:
    """Ganeti would bring ours over that of another node: only for the script that it copies."""
    destination = tmp_path / name
    destination.write_text("#!/bin/sh\n# mine\n")
    said = put(destination)
    assert (tmp_path / f"{name}.local").read_text() == "#!/bin/sh\n# mine\n"
    assert said.startswith(f"kept your own {destination} as {destination}.local; it goes on")
    copied = f"or copy it (gnt-cluster copyfile {destination}.local)" in said
    assert copied is (name == "kvm-vif-bridge")
    assert put(destination) == ""
