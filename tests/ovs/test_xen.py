"""vif-custom, called as Xen calls it. Xen itself cannot run beside the tests' kernel, so xl,
xenstore-write and vif-common.sh are stand-ins; interfaces, frames and Open vSwitch are real.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.ovs.support import port, said, wanted
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

# As Ganeti's _WriteNICInfoFile writes it.
NIC_FILE = """TAGS="web\\ ovs:nic:0:max_bandwidth:10M"
NETWORK_NAME="net1"
NETWORK_TAGS="nettag1 other"
MAC=aa:00:77:9a:89:2a
INTERFACE_INDEX=0
INTERFACE_NAME=front
INTERFACE_UUID=bdc23741-5995-403d-8ac7-475db57bbb6f
MODE=%s
LINK=%s
VLAN=%s
"""
BACKEND = "/local/domain/0/backend/vif/7/0"


class Xen:
    """What a node with Xen has beside us."""

    def __init__(self, product: Product, directory: Path) -> None:
        self.product = product
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.store = directory / "xenstore"
        self.store.touch()
        self.program("xenstore-write", f'echo "$1=$2" >>{self.store}')
        self.nics = product.root / "var/run/ganeti/xen-hypervisor/nic/inst1.lab"
        self.nics.mkdir(parents=True)
        self.nic("openvswitch", "br0", ":10:20")

    def program(self, name: str, body: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def nic(self, mode: str, link: str, vlan: str) -> None:
        (self.nics / "0").write_text(NIC_FILE % (mode, link, vlan))

    def call(self, ovs: OpenVSwitch, *arguments: str, **environ: str) -> tuple[int, str]:
        done = self.product.run(
            {
                **ovs.environ,
                **self.product.ganeti_environ(),
                "PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin",
                "XENBUS_PATH": BACKEND,
                "vif": "vif7.0",
                **environ,
            },
            self.product.vif_custom,
            *arguments,
        )
        return done.returncode, said(done.stderr)


@pytest.fixture
def xen(product: Product, tmp_path: Path) -> object:
    fixture = Xen(product, tmp_path)
    yield fixture
    shutil.rmtree(fixture.nics.parent)


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        ("xl", '[ "$1 $2" = "domname 7" ] && echo inst1.lab'),
        ("xl", '[ "$1 $2" = "domname 7" ] && echo inst1.lab--incoming'),
        ("xm", '[ "$1 $2" = "domname 7" ] && echo inst1.lab'),
        ("xenstore-read", '[ "$1" = /local/domain/7/name ] && echo inst1.lab'),
    ],
)
def test_online(tool: str, body: str, ovs: OpenVSwitch, xen: Xen) -> None:
    xen.program(tool, body)
    with Tap("vif7.0"):
        assert xen.call(ovs, "online", "type_if=vif") == (0, "")
        row = port(ovs, "vif7.0")
        assert (row["vlan_mode"], row["trunks"]) == (["trunk"], [10, 20])
        assert row["interface"]["ingress_policing_rate"] == 10_000
        assert row["external_ids"]["ganeti-instance"] == "inst1.lab"
        assert ",UP" in run("ip", "link", "show", "vif7.0")
        assert xen.store.read_text() == f"{BACKEND}/hotplug-status=connected\n"


def test_offline(ovs: OpenVSwitch, xen: Xen) -> None:
    before = wanted(ovs)
    xen.program("xl", "echo inst1.lab")
    with Tap("vif7.0"):
        assert xen.call(ovs, "online")[0] == 0
        assert xen.call(ovs, "offline") == (0, "")
    assert wanted(ovs) == before


def test_offline_after_the_domain(ovs: OpenVSwitch, xen: Xen) -> None:
    """The domain's name cannot be asked any more, and the interface may have gone."""
    before = wanted(ovs)
    xen.program("xl", "echo inst1.lab")
    with Tap("vif7.0"):
        assert xen.call(ovs, "online")[0] == 0
    xen.program("xl", "exit 1")
    assert xen.call(ovs, "offline", "type_if=vif") == (0, "")
    assert wanted(ovs) == before


def test_emulated_interface(ovs: OpenVSwitch, xen: Xen) -> None:
    xen.program("xl", "echo inst1.lab")
    with Tap("vif7.0-emu"):
        tap = {"INTERFACE": "vif7.0-emu"}
        assert xen.call(ovs, "online", "type_if=tap", **tap) == (0, "")
        assert ovs.vsctl("list-ports", "br0") == ""
        assert xen.call(ovs, "add", "type_if=tap", **tap) == (0, "")
        assert port(ovs, "vif7.0-emu")["trunks"] == [10, 20]
        assert xen.store.read_text() == ""  # vif-common.sh reports only vifs
        assert xen.call(ovs, "remove", "type_if=tap", **tap) == (0, "")
        assert ovs.vsctl("list-ports", "br0") == ""


@pytest.mark.parametrize(
    ("name", "vif", "message"),
    [
        ("", "vif7.0", "neither xl, xm nor xenstore-read knows the name of domain 7"),
        ("other.lab", "vif7.0", "Ganeti's NIC data cannot be read: "),
        ("../../etc", "vif7.0", "INSTANCE '../../etc' is no instance name"),
        ("inst1.lab", "eth0", "'eth0' is no Xen interface"),
        ("inst1.lab", "vif7", "'vif7' is no Xen interface"),
        ("inst1.lab", "vif7.0/../x", "is no Xen interface"),
    ],
)
def test_errors(name: str, vif: str, message: str, ovs: OpenVSwitch, xen: Xen) -> None:
    xen.program("xl", f"echo {name}")
    code, error = xen.call(ovs, "online", vif=vif)
    assert code == 1
    assert message in error
    assert error.count("\n") == 1
    assert f"{BACKEND}/hotplug-status=error\n" in xen.store.read_text()


def test_nic_file_is_not_run(ovs: OpenVSwitch, xen: Xen, tmp_path: Path) -> None:
    """Ganeti takes any text as link; its own script would run this one as a command."""
    xen.program("xl", "echo inst1.lab")
    xen.nic("openvswitch", f"br0;touch {tmp_path}/run", "")
    with Tap("vif7.0"):
        code, error = xen.call(ovs, "online")
    assert code == 1
    assert "is no interface name" in error or "is longer than" in error
    assert not (tmp_path / "run").exists()


def test_bridged_vif(ovs: OpenVSwitch, xen: Xen, product: Product) -> None:
    xen.program("xl", "echo inst1.lab")
    xen.nic("bridged", "lbr0", "")
    common = product.vif_custom.with_name("vif-common.sh")
    common.write_text('command=$1\nsuccess() { xenstore-write "$XENBUS_PATH/done" $command; }\n')
    run("ip", "link", "add", "lbr0", "type", "bridge")
    try:
        with Tap("vif7.0"):
            assert xen.call(ovs, "online", "type_if=vif")[0] == 0
            assert "master lbr0" in run("ip", "link", "show", "vif7.0")
        assert xen.store.read_text() == f"{BACKEND}/done=online\n"
    finally:
        run("ip", "link", "del", "lbr0")
        common.unlink()
    assert ovs.vsctl("list-ports", "br0") == ""
