"""A real cluster of the patched packages, which are built when a patch has changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import Cluster
from tests.patched.guests import Guests
from tests.testbed.product import SOURCE


@pytest.fixture(scope="session")
def packages() -> Path:
    done = subprocess.run(
        [SOURCE / "patches/build"], stdout=subprocess.PIPE, text=True, check=True, timeout=7200
    )
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def cluster(packages: Path) -> Iterator[Cluster]:
    lab = Cluster(packages=packages)
    yield lab
    lab.close()


@pytest.fixture
def guests(cluster: Cluster) -> Iterator[Guests]:
    """None at first; what a test leaves is removed."""
    made = Guests(cluster)
    yield made
    made.remove()
