"""NICs that are not for Open vSwitch, and the administrator's own scripts.

Bridged and routed NICs are compared with what Ganeti's kvm-ifup does without us.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.captured import ACCESS
from tests.ovs.support import environ, wanted
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import KVM_IFUP, SOURCE, Product
from tests.testbed.tap import Tap


def show(*command: str) -> str:
    """What a command prints, be it that this kernel does not know the matter."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def state(tap: str) -> str:
    """Everything that setting up a NIC changes on the node, with varying numbers blanked."""
    seen = [
        run("ip", "-d", "-o", "link", "show", tap),
        show("bridge", "vlan", "show"),
        show("ip", "rule"),
        show("ip", "route", "show", "table", "all"),
        *(
            Path(f"/proc/sys/net/ipv4/conf/{tap}/{name}").read_text()
            for name in ("proxy_arp", "forwarding")
        ),
    ]
    text = "\n".join(seen)
    text = re.sub(r"(^\d+|index \d+|designated_\w+ \S+|[a-z_]+timer +[\d.]+)", "#", text)
    return re.sub(r"(link/ether |fe80::)\S+", r"\1#", text)


@pytest.fixture
def bridge(private: None) -> object:
    try:
        run("ip", "link", "add", "lbr0", "type", "bridge", "vlan_filtering", "1")
    except RuntimeError:  # a kernel without it: then stock's own error is what is compared
        run("ip", "link", "add", "lbr0", "type", "bridge")
    run("ip", "link", "set", "lbr0", "up", "mtu", "1400")
    yield
    run("ip", "link", "del", "lbr0")


OTHER_MODES = [
    {"MODE": "bridged", "LINK": "lbr0", "VLAN": ""},
    {"MODE": "bridged", "LINK": "lbr0", "VLAN": ".7:8"},
    {"MODE": "bridged", "LINK": "none", "VLAN": ""},
    {"MODE": "routed", "LINK": "", "IP": "10.9.0.1", "VLAN": ""},
    {"MODE": "routed", "LINK": "100", "IP": "10.9.0.1", "VLAN": ""},
    {"MODE": "routed", "LINK": "", "VLAN": ""},
]


@pytest.mark.parametrize("changes", OTHER_MODES, ids=lambda c: "-".join(c.values()))
def test_same_as_stock(
    changes: dict[str, str], bridge: None, product: Product, tmp_path: Path
) -> None:
    env = {**ACCESS, **changes}
    results = []
    with Tap("tap0"):
        untouched = state("tap0")
    for etc in (tmp_path, product.etc, without_package(tmp_path / "alone")):
        with Tap("tap0"):
            done = product.run({**env, "SYSCONFDIR": str(etc)}, KVM_IFUP)
            output = re.sub(r"line \d+|.*kvm-ifup\S*|bash", "#", done.stdout + done.stderr)
            results.append((done.returncode, re.sub(r"\S*net-common", "#", output), state("tap0")))
        subprocess.run(["ip", "rule", "del", "table", "100"], capture_output=True, check=False)
    assert results[0] == results[1] == results[2]
    code, _, after = results[0]
    assert code or after != untouched or changes["LINK"] == "none"


def without_package(etc: Path) -> Path:
    """The /etc of a node to which Ganeti alone has brought kvm-vif-bridge."""
    script = etc / "ganeti/kvm-vif-bridge"
    script.parent.mkdir(parents=True)
    source = (SOURCE / "scripts/kvm-vif-bridge.in").read_text()
    script.write_text(source.replace("@LIBDIR@", str(etc / "nowhere")))
    script.chmod(0o755)
    return etc


def test_node_without_the_package(product: Product, tmp_path: Path) -> None:
    """Nothing is on the vSwitch silently, and your own script is for other modes as ever."""
    etc = without_package(tmp_path)
    script = etc / "ganeti/kvm-vif-bridge"
    done = product.run({**ACCESS, "INSTANCE": "in\nst"}, script)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "ganeti-ovs: in?st, NIC 0 (tap0 on vSwitch br0): ganeti-ovs is not installed on"
        f" {os.uname().nodename}: install the version of the other nodes (No module named"
        " 'ganeti_ovs')\n"
    )
    own = Path(f"{script}.local")
    own.write_text('#!/bin/sh\necho "own $MODE $INTERFACE"\n')
    own.chmod(0o755)
    done = product.run({**ACCESS, "MODE": "bridged"}, script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "own bridged tap0\n", "")


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        (("add-bond", "br0", "bond0", "tap0", "e1"), "tap0 belongs to port 'bond0'"),
        (("add-port", "br0", "tap0", "--", "set", "interface", "tap0", "type=patch",
          "options:peer=other"), "Open vSwitch has an interface tap0 of type 'patch'"),
    ],
)  # fmt: skip
def test_what_is_no_guests_port_stays(
    commands: tuple[str, ...], words: str, bridge: None, ovs: OpenVSwitch, product: Product
) -> None:
    """A port of the administrator's that has the tap's name is not taken for a stale one."""
    ovs.vsctl("--no-wait", *commands)
    before = wanted(ovs)
    bridged = {"MODE": "bridged", "LINK": "lbr0", "VLAN": ""}
    with Tap("tap0"):
        done = product.run({**environ(ovs, **bridged), "SYSCONFDIR": str(product.etc)}, KVM_IFUP)
    assert done.returncode == 0
    assert f"may still have a port for this interface: {words}" in done.stderr
    assert wanted(ovs) == before


def test_a_stale_port_goes_with_its_record(
    bridge: None, ovs: OpenVSwitch, product: Product
) -> None:
    """Else gnt-ovs reconcile would take the bridged tap for the NIC of before."""
    record = ovs.dir / "var/run/ganeti-ovs/nic/tap0"
    before = wanted(ovs)
    with Tap("tap0"):
        assert product.run(environ(ovs)).returncode == 0
    assert "inst1.lab" in record.read_text()
    bridged = {"MODE": "bridged", "LINK": "lbr0", "VLAN": ""}
    with Tap("tap0"):
        done = product.run({**environ(ovs, **bridged), "SYSCONFDIR": str(product.etc)}, KVM_IFUP)
    assert done.returncode == 0
    assert wanted(ovs) == before
    assert not record.exists()


def test_communication_tap(bridge: None, product: Product) -> None:
    """kvm-ifup sees to it before it calls us; nothing may be set up a second time."""
    env = {**ACCESS, "MODE": "routed", "INTERFACE": "gnt.com.0", "IP": "169.254.169.1"}
    with Tap("gnt.com.0"):
        before = state("gnt.com.0")
        done = product.run(env)
        assert (done.returncode, done.stderr) == (0, "")
        assert state("gnt.com.0") == before


def test_no_mode(product: Product) -> None:
    env = {k: v for k, v in ACCESS.items() if k != "MODE"}
    done = product.run(env)
    assert (done.returncode, done.stdout) == (1, "MODE not specified\n")


def own_script(product: Product, tmp_path: Path, exit_code: int) -> Path:
    """An administrator's script beside ours that notes what it saw."""
    local = Path(f"{product.kvm_vif_bridge}.local")
    local.write_text(
        f"#!/bin/sh\necho $MODE $INTERFACE $0 $# >>{tmp_path}/seen\n"
        f"ovs-vsctl --db=unix:$OVS_RUNDIR/db.sock list-ports br0 >>{tmp_path}/seen\n"
        f"exit {exit_code}\n"
    )
    local.chmod(0o755)
    return local


def test_own_script_goes_first(ovs: OpenVSwitch, product: Product, tmp_path: Path) -> None:
    local = own_script(product, tmp_path, 0)
    try:
        with Tap("tap0"):
            assert product.run(environ(ovs)).returncode == 0
        assert (tmp_path / "seen").read_text() == f"openvswitch tap0 {local} 0\n"
        assert ovs.vsctl("list-ports", "br0") == "tap0\n"
    finally:
        local.unlink()


def test_own_script_fails(ovs: OpenVSwitch, product: Product, tmp_path: Path) -> None:
    local = own_script(product, tmp_path, 7)
    before = wanted(ovs)
    try:
        with Tap("tap0"):
            assert product.run(environ(ovs)).returncode == 7
        assert wanted(ovs) == before
    finally:
        local.unlink()


def test_own_script_has_the_other_modes(ovs: OpenVSwitch, product: Product, tmp_path: Path) -> None:
    """As it had before we came: Ganeti's built-in set-up is not run beside it."""
    local = own_script(product, tmp_path, 3)
    try:
        with Tap("tap0"):
            assert product.run(environ(ovs, MODE="routed", LINK="")).returncode == 3
        assert (tmp_path / "seen").read_text().startswith("routed tap0")
    finally:
        local.unlink()


UNFIT = {
    "text": (b"echo no interpreter\n", "Exec format error; a script must begin with #!"),
    "machine": (b"\x7fELF\x02\x01\x01" + bytes(57), "Exec format error"),
    "interpreter": (b"#!/nowhere/sh\n", "No such file or directory"),
    "directory": (None, "Permission denied"),
}


@pytest.mark.parametrize("kind", UNFIT)
@pytest.mark.parametrize("mode", ["openvswitch", "routed"])
@pytest.mark.parametrize("script", ["kvm_vif_bridge", "up", "down"])
def test_own_script_that_cannot_be_executed(
    script: str, mode: str, kind: str, ovs: OpenVSwitch, product: Product
) -> None:
    """As when it fails: nothing stays attached, not of the guest's other NICs either."""
    ours = getattr(product, script)
    local = Path(f"{ours}.local")
    before = wanted(ovs)
    with Tap("tap0"), Tap("tap1"):
        assert product.run(environ(ovs)).returncode == 0
        contents, why = UNFIT[kind]
        if contents is None:
            local.mkdir()
        else:
            local.write_bytes(contents)
            local.chmod(0o755)
        try:
            nic = {"INTERFACE_INDEX": "1", "MODE": mode}
            done = product.run(environ(ovs, "tap1", **nic), ours)
        finally:
            local.rmdir() if contents is None else local.unlink()
        assert done.returncode == 1
        assert f"{local} cannot be executed: {why}" in done.stderr
        assert done.stderr.startswith("ganeti-ovs: inst1.lab, NIC 1 (tap1 on vSwitch br0): ")
        assert done.stderr.count("\n") == 1
        if script != "down" and mode == "openvswitch":
            assert wanted(ovs) == before
