"""Ganeti's own tests of the Haskell modules that the series touches, as the build made them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.patches.conftest import source


def test_haskell(packages: Path, tmp_path: Path) -> None:
    (package,) = packages.glob("ganeti-3.1_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    patterns = [f"--select-tests=*{name}*" for name in ("Objects", "OpCodes", "THH", "Query")]
    done = subprocess.run(
        [packages / "htest", "--plain", *patterns],
        cwd=source("3.1"),
        env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
             "PYTHONPATH": str(tmp_path / "usr/share/ganeti/3.1")},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    for name in ("NicParams_old", "NicParams_serialisation", "NicParams_fill"):
        assert re.search(rf"{name}: \[OK, passed [1-9]\d+ tests\]", done.stdout), done.stdout[
            -3000:
        ]
