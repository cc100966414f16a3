"""make install: what it puts where, and what becomes of scripts that were there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.testbed.product import SOURCE, Product


def make(target: str, destination: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-C", SOURCE, target, f"DESTDIR={destination}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_where_ganeti_looks(tmp_path: Path) -> None:
    assert make("install", tmp_path).returncode == 0
    for name in (
        "usr/bin/gnt-ovs",
        "etc/ganeti/kvm-vif-bridge",
        "etc/ganeti/network/openvswitch/up",
        "etc/ganeti/network/openvswitch/down",
        "etc/xen/scripts/vif-custom",
    ):
        assert os.access(tmp_path / name, os.X_OK), name
        assert "/usr/lib/ganeti-ovs" in (tmp_path / name).read_text()
        assert str(tmp_path) not in (tmp_path / name).read_text()
    package = tmp_path / "usr/lib/ganeti-ovs/ganeti_ovs"
    sources = sorted(package.rglob("*.py"))
    assert len(sources) == len(list(package.rglob("*.pyc"))) > 20
    compiled = next(package.glob("model/__pycache__/vlan*.pyc"))
    assert str(tmp_path).encode() not in compiled.read_bytes()
    assert (tmp_path / "usr/share/man/man8/gnt-ovs.8").exists()


def test_own_script_is_kept_and_comes_back(tmp_path: Path) -> None:
    own = tmp_path / "etc/ganeti/kvm-vif-bridge"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\necho mine\n")
    for _again in range(2):
        done = make("install", tmp_path)
        assert done.returncode == 0
        assert Path(f"{own}.local").read_text() == "#!/bin/sh\necho mine\n"
        assert "ganeti-ovs" in own.read_text()
    assert make("uninstall", tmp_path).returncode == 0
    assert own.read_text() == "#!/bin/sh\necho mine\n"
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [own]


def test_two_own_scripts_stop_it(tmp_path: Path) -> None:
    own = tmp_path / "etc/ganeti/kvm-vif-bridge"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\n")
    Path(f"{own}.local").write_text("#!/bin/sh\n")
    done = make("install", tmp_path)
    assert done.returncode != 0
    assert "move one of them away" in done.stderr
    assert own.read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("name", "how"),
    [("kvm_vif_bridge", "-IS"), ("up", "-IS"), ("down", "-IS"), ("vif_custom", "-IS"),
     ("gnt_ovs", "-I")],
)  # fmt: skip
def test_scripts_start_isolated(name: str, how: str, product: Product) -> None:
    """The administrator's Python settings may not change the way, nor local packages a tap's."""
    first = getattr(product, name).read_text().splitlines()[0]
    assert first == f"#!/usr/bin/python3 {how}"
