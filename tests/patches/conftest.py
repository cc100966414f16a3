"""Ganeti's source, patched and as Debian has it, ready to run its own Python tests."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patches import generated
from tests.testbed.product import SOURCE

PATCHES = SOURCE / "patches"
BUILD = SOURCE / "build/ganeti"

_PYTHON = {"3.0": "ganeti-3.0", "3.1": "ganeti-3.1"}
_REST_OF_3_1 = ("ganeti", "ganeti-haskell-3.1", "ganeti-htools-3.1")


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


def _suite(version: str) -> tuple[str, str]:
    """Where Debian has a Ganeti that runs on this release, and its version."""
    if version == "3.0":
        return "bookworm", "3.0.2-3"
    if platform.freedesktop_os_release()["VERSION_CODENAME"] == "bookworm":
        return "bookworm-backports", "3.1.0~rc2-3~bpo12+1"
    return "trixie", "3.1.0~rc2-3"


def stock_package(version: str, name: str = "") -> Path:
    """Debian's package of Ganeti's Python, or another of that Ganeti, fetched once."""
    suite, number = _suite(version)
    name = name or _PYTHON[version]
    fetched = BUILD / "fetched" / version
    found = list(fetched.glob(f"{name}_{number}_*.deb"))
    if not found:
        fetched.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [PATCHES / "apt", suite, "download", f"{name}={number}"],
            cwd=fetched, check=True, timeout=700,
        )  # fmt: skip
        found = list(fetched.glob(f"{name}_{number}_*.deb"))
    return found[0]


def stock_packages() -> list[Path]:
    """All of Debian's Ganeti 3.1, as the series' packages replace it."""
    return [stock_package("3.1", name) for name in ("", *_REST_OF_3_1)]


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
