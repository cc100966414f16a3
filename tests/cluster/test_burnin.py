"""Ganeti's own burn-in tool: it must pass, and nothing of it may be left."""

from __future__ import annotations

import pytest

from tests.cluster.expect import check
from tests.cluster.lab import Cluster

pytestmark = pytest.mark.rest


def test_burnin(cluster: Cluster) -> None:
    old = ["--no-name-check", "--no-ip-check"] if cluster.version == "3.0" else []
    out = cluster.master.run(
        f"/usr/share/ganeti/{cluster.version}/burnin", "--parallel", "-o", "noop", "-t", "diskless",
        "--disk-size=", "--mem-size=128", *old, "--no-confd", "--no-reinstall",
        "--no-activate-disks", "--no-add-disks", "b1.lab", "b2.lab", limit=420,
    )  # fmt: skip
    assert "Error" not in out.stdout
    check(cluster, {})
    for number in (1, 2, 3):
        rows = cluster.rows(number)
        assert {row["name"] for row in rows["Port"]} == {"br0", "eth1"}
        assert rows["QoS"] == rows["Queue"] == []
