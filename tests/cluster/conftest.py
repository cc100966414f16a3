"""One real three-node cluster for all tests of this tier."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.lab import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    lab = Cluster(nodes=3, uplinks=3)
    yield lab
    lab.close()
