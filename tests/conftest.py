"""What the tiers share: an option, and the cluster of most tests of real Ganeti.

The unit tier needs no Open vSwitch, so nothing that does is imported here.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.cluster.lab import Cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--packages",
        type=Path,
        help="directory of Ganeti's packages for the clusters, as patches/build prints it; "
        "without, they have this machine's Ganeti",
    )


def pytest_configure() -> None:
    # A busy machine is no fault.
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")
    # NOTE: a shell without job control ignores SIGINT for what it starts in the background, and
    # all that the tests start would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Three nodes; tests leave no guest and no vSwitch but br0."""
    from tests.cluster.lab import Cluster

    lab = Cluster(nodes=3, uplinks=3, packages=request.config.getoption("--packages"))
    yield lab
    lab.close()
