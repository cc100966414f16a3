"""Real Open vSwitch in namespaces of the test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.testbed import namespace
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product


@pytest.fixture(scope="package")
def private() -> Iterator[None]:
    with namespace.private():
        yield


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    return Product(tmp_path_factory.mktemp("product"))


@pytest.fixture
def ovs(private: None) -> Iterator[OpenVSwitch]:
    """A fresh Open vSwitch with the bridges br0 and br1."""
    with OpenVSwitch() as switch:
        switch.add_bridge("br0")
        switch.add_bridge("br1")
        yield switch
