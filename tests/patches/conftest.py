"""Ganeti's source, patched and as Debian has it, ready to run its own Python tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patches import generated
from tests.testbed.product import SOURCE

PATCHES = SOURCE / "patches"
BUILD = SOURCE / "build/ganeti"

_PACKAGES = {
    "3.0": ("bookworm", "ganeti-3.0", "3.0.2-3"),
    "3.1": ("sid", "ganeti-3.1", "3.1.0~rc2-5"),
}


def source(version: str) -> Path:
    """The patched source, made anew if a patch has changed; fails if one does not apply."""
    done = subprocess.run(
        [PATCHES / "source", version], capture_output=True, text=True, check=False, timeout=700
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def names(version: str) -> list[Path]:
    """The patches of the series, as `version` has them."""
    lines = (PATCHES / "series").read_text().splitlines()
    series = [line for line in lines if not line.startswith("#")]
    return [
        own if (own := PATCHES / version / name).exists() else PATCHES / name for name in series
    ]


def stock_package(version: str) -> Path:
    """Debian's package of Ganeti's Python, fetched once."""
    suite, name, number = _PACKAGES[version]
    fetched = BUILD / "fetched"
    found = list(fetched.glob(f"{name}_{number}_*.deb"))
    if not found:
        fetched.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [PATCHES / "apt", suite, "download", f"{name}={number}"],
            cwd=fetched, check=True, timeout=700,
        )  # fmt: skip
        found = list(fetched.glob(f"{name}_{number}_*.deb"))
    return found[0]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Path]:
    """tree(version, patched): a copy of the source whose Python can be imported."""
    made: dict[tuple[str, bool], Path] = {}

    def make(version: str, patched: bool) -> Path:
        if (version, patched) not in made:
            top = tmp_path_factory.mktemp("patched" if patched else "stock")
            copy = top / "ganeti"
            original = source(version)
            if not patched:
                original = original.with_name("debian")
            shutil.copytree(original, copy, symlinks=True)
            generated.fill(copy, stock_package(version), top / "package")
            if patched:
                generated.patch(copy)
            made[version, patched] = copy
        return made[version, patched]

    return make
