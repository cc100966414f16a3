"""What tests/patches derives from Haskell without a compiler is what the build generates."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from tests.patches import generated
from tests.patches.conftest import PATCHES, source


def test_generated_modules(packages: Path, tmp_path: Path) -> None:
    (package,) = packages.glob("ganeti-3.1_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    built = tmp_path / "usr/share/ganeti/3.1/ganeti"
    derived: dict[str, Any] = {}
    exec("\n".join(generated.constants(source("3.1"))), derived)
    del derived["__builtins__"]
    assert "NIC_OVS_PARAMETERS" in derived
    lines = re.findall(r"(?m)^I?NICS?_\w+ = .*$", (built / "_constants.py").read_text())
    real: dict[str, Any] = {}
    exec("\n".join(line for line in lines if not line.endswith("{")), real)
    assert derived == {name: real[name] for name in derived}
    opcodes = (built / "opcodes.py").read_text()
    for line in generated.network_fields(source("3.1")):
        assert line in opcodes


def test_the_packages_can_be_installed(packages: Path) -> None:
    """As patches/README.md says, over what is installed here; apt only looks."""
    command = re.search(r"(?m)^    apt install (\$built/.*)$", (PATCHES / "README.md").read_text())
    assert command
    files = [
        file
        for pattern in command[1].split()
        for file in packages.glob(pattern.removeprefix("$built/"))
    ]
    assert len(files) == 4
    done = subprocess.run(
        ["apt-get", "--simulate", "install", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    installed = set(re.findall(r"(?m)^Inst (\S+) .*\+ovs1", done.stdout))
    assert installed == {"ganeti", "ganeti-3.1", "ganeti-haskell-3.1", "ganeti-htools-3.1"}
