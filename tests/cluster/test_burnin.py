"""Ganeti's own burn-in tool: it must pass, and nothing of it may be left."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.expect import check
from tests.cluster.lab import Cluster


def burnin() -> str:
    """Where this version of Ganeti keeps it."""
    for path in ("/usr/lib/ganeti/tools/burnin", "/usr/lib/ganeti/3.0/usr/lib/ganeti/tools/burnin"):
        if Path(path).exists():
            return path
    raise FileNotFoundError("Ganeti's burnin tool")


def test_burnin(cluster: Cluster) -> None:
    out = cluster.master.run(
        burnin(), "-o", "noop", "-t", "diskless", "--disk-size=", "--mem-size=128",
        "--no-name-check", "--no-ip-check", "--no-confd", "--no-reinstall",
        "--no-activate-disks", "--no-add-disks", "b1.lab", "b2.lab", limit=420,
    )  # fmt: skip
    assert "Error" not in out.stdout
    check(cluster, {})
    for number in (1, 2, 3):
        rows = cluster.rows(number)
        assert {row["name"] for row in rows["Port"]} == {"br0", "eth1"}
        assert rows["QoS"] == rows["Queue"] == []
