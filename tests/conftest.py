"""The order of the tiers."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what fetches Ganeti's source: the ovs tier takes this process into a network
    namespace of its own, for good."""
    items.sort(key=lambda item: "tests/patches/" not in item.path.as_posix())
