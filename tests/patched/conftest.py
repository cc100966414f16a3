"""Tests of patched packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import Cluster
from tests.patched.guests import Guests


@pytest.fixture(scope="session", autouse=True)
def packages(request: pytest.FixtureRequest) -> Path:
    """Where patches/build has put them."""
    found: Path | None = request.config.getoption("--packages")
    if found is None:
        pytest.fail("these tests need --packages: run make test-patched", pytrace=False)
    return found


@pytest.fixture
def guests(cluster: Cluster) -> Iterator[Guests]:
    """None at first; what a test leaves is removed."""
    made = Guests(cluster)
    yield made
    made.remove()
