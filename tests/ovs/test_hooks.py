"""The hook executable, with environments of real operations."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.captured import DIRECTORY, environment
from tests.ovs.support import port, said, wanted
from tests.testbed.guests import Guests
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

HOOKS = {path.stem: environment(path) for path in (DIRECTORY / "hooks").glob("*.env")}


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(ovs.dir / "var")
    yield fixture
    fixture.close()


def hook(ovs: OpenVSwitch, product: Product, name: str, **changes: str) -> tuple[int, str]:
    """Run it as Ganeti does: by its link, with a reset environment."""
    path = product.etc / "ganeti" / "hooks" / f"{name}.d" / "50-ovs"
    event = "pre" if name.endswith("-pre") else "post"
    here = {"GANETI_INSTANCE_PRIMARY": socket.gethostname(), "GANETI_HOOKS_PHASE": event}
    base = HOOKS.get(name) or {
        **HOOKS["instance-modify-post"],
        "GANETI_HOOKS_PATH": name.rpartition("-")[0],
    }
    done = product.run({**base, **here, **ovs.environ, **changes}, path)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_links(product: Product) -> None:
    hooks = product.etc / "ganeti" / "hooks"
    links = sorted(path.parent.name for path in hooks.glob("*.d/50-ovs"))
    assert "instance-add-pre.d" in links
    assert "instance-stop-post.d" in links
    assert len(links) == 16
    for path in hooks.glob("*/50-ovs"):
        assert path.resolve() == product.root / "usr/lib/ganeti-ovs/hook"


@pytest.mark.parametrize(
    "name", ["instance-add-pre", "instance-modify-pre", "instance-migrate-pre"]
)
def test_good_operations_pass(name: str, ovs: OpenVSwitch, product: Product) -> None:
    before = wanted(ovs)
    assert hook(ovs, product, name) == (0, "")
    assert wanted(ovs) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"NIC0_VLAN": ".9999"}, "NIC 0 (new on vSwitch br0): vlan '.9999': VLAN ID 9999"),
        ({"NIC1_LINK": "br0;x y"}, "NIC 1 (new on vSwitch br0;x y): LINK (the vSwitch)"),
        ({"NIC2_LINK": "nobr"}, f"node {socket.gethostname()} has no vSwitch nobr"),
        ({"TAGS": "it1 ovs:nic:1:max_bandwidth:fast"}, "max_bandwidth 'fast'"),
        ({"NIC1_NETWORK_TAGS": "ovs:nic:*:port_type:hybrid"}, "port_type hybrid contradicts"),
        ({"NIC0_MAX_BANDWIDTH": "1T"}, "max_bandwidth '1T'"),
    ],
)
@pytest.mark.parametrize(
    "name", ["instance-add-pre", "instance-modify-pre", "instance-migrate-pre"]
)
def test_refused_before(
    name: str, changes: dict[str, str], message: str, ovs: OpenVSwitch, product: Product
) -> None:
    full = {f"GANETI_INSTANCE_{key}": value for key, value in changes.items()}
    full["GANETI_NEW_PRIMARY"] = socket.gethostname()
    code, error = hook(ovs, product, name, **full)
    assert code == 1
    assert message in error
    assert all(line.startswith("ganeti-ovs: inst1.lab, NIC ") for line in error.splitlines())


def test_every_wrong_nic_is_named(ovs: OpenVSwitch, product: Product) -> None:
    wrong = {f"GANETI_INSTANCE_NIC{n}_VLAN": "0" for n in range(3)}
    code, error = hook(ovs, product, "instance-add-pre", **wrong)
    assert (code, error.count("\n")) == (1, 3)


def test_only_nodes_that_will_run_it_need_the_vswitch(ovs: OpenVSwitch, product: Product) -> None:
    missing = {"GANETI_INSTANCE_NIC0_LINK": "nobr"}
    elsewhere = {**missing, "GANETI_INSTANCE_PRIMARY": "other.lab"}
    assert hook(ovs, product, "instance-add-pre", **elsewhere) == (0, "")
    secondary = {**elsewhere, "GANETI_INSTANCE_SECONDARIES": f"x.lab {socket.gethostname()}"}
    assert hook(ovs, product, "instance-add-pre", **secondary)[0] == 1
    # The node that the guest leaves needs nothing.
    leaving = {**missing, "GANETI_NEW_PRIMARY": "other.lab"}
    assert hook(ovs, product, "instance-migrate-pre", **leaving) == (0, "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, ""),
        ({"MODE": "bridged", "LINK": "nobr", "VLAN": "x"}, ""),
        ({"VLAN": ".4095"}, "vlan '.4095'"),
        ({"LINK": "br0;x"}, "link 'br0;x' is no interface name"),
        ({"LINK": "nobr"}, "has no vSwitch nobr"),
    ],
)
def test_network_connect(
    changes: dict[str, str], message: str, ovs: OpenVSwitch, product: Product
) -> None:
    full = {f"GANETI_GROUP_NETWORK_{key}": value for key, value in changes.items()}
    code, error = hook(ovs, product, "network-connect-pre", **full)
    assert code == bool(message)
    assert message in error


def nics_of(ovs: OpenVSwitch) -> list[dict[str, str]]:
    """The four NICs of the captured instance, as the network script was told of them."""
    told = HOOKS["instance-modify-post"]
    nics = []
    for n in range(4):
        prefix = f"GANETI_POST_INSTANCE_NIC{n}_"
        values = {k: told[f"{prefix}{k}"] for k in ("MAC", "MODE", "LINK", "VLAN")}
        nics.append(
            {
                **values,
                "INSTANCE": "inst1.lab",
                "INTERFACE": f"tap{n}",
                "INTERFACE_INDEX": str(n),
                "INTERFACE_UUID": told[f"{prefix}UUID"],
                "TAGS": told["GANETI_POST_INSTANCE_TAGS"],
            }
        )
    return nics


def start(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    nics = nics_of(ovs)
    guests.start("inst1.lab", *nics)
    for nic in nics:
        done = product.run({**nic, **ovs.environ})
        assert (done.returncode, said(done.stderr)) == (0, "")


def test_modify_reaches_the_live_port(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests)
    row = port(ovs, "tap0")
    news = {
        "GANETI_POST_INSTANCE_NIC0_VLAN": ".77",
        "GANETI_POST_INSTANCE_NIC0_MAC": "aa:00:00:00:00:77",
        "GANETI_POST_INSTANCE_TAGS": "ovs:nic:0:max_bandwidth:10M",
    }
    assert hook(ovs, product, "instance-modify-post", **news) == (0, "")
    changed = port(ovs, "tap0")
    assert changed["tag"] == [77]
    assert changed["interface"]["ingress_policing_rate"] == 10_000
    assert changed["_uuid"] == row["_uuid"]
    # Without hot-plug, the guest has its MAC until its next start.
    assert changed["interface"]["external_ids"]["attached-mac"] == nics_of(ovs)[0]["MAC"]
    assert changed["interface"]["ofport"] == row["interface"]["ofport"]
    # And it stays so: what the hook told is the last that is known.
    done = product.run(ovs.environ, product.gnt_ovs, "reconcile")
    assert done.stdout == "nothing to do\n"


def test_modify_of_the_mode_waits_for_the_next_start(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    start(ovs, product, guests)
    before = wanted(ovs)
    news = {
        "GANETI_POST_INSTANCE_NIC0_MODE": "bridged",
        "GANETI_POST_INSTANCE_NIC0_LINK": "lbr0",
    }
    assert hook(ovs, product, "instance-modify-post", **news) == (0, "")
    assert wanted(ovs) == before


@pytest.mark.parametrize(
    "name",
    ["instance-stop-post", "instance-remove-post", "instance-migrate-post",
     "instance-failover-post", "instance-modify-post", "instance-reboot-post"],
)  # fmt: skip
def test_ports_of_gone_taps_go(
    name: str, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    before = wanted(ovs)
    start(ovs, product, guests)
    guests.stop("inst1.lab")
    assert hook(ovs, product, name) == (0, "")
    assert wanted(ovs) == before


def test_the_watcher_tidies_up(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """As ganeti-watcher runs it: by its path, with no environment that says so."""
    before = wanted(ovs)
    start(ovs, product, guests)
    guests.stop("inst1.lab", crash=True)
    done = product.run(ovs.environ, product.etc / "ganeti/hooks/watcher/50-ovs")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert wanted(ovs) == before


def test_a_node_without_open_vswitch(product: Product, ovs: OpenVSwitch, tmp_path: Path) -> None:
    nowhere = {"OVS_RUNDIR": str(tmp_path)}
    assert hook(ovs, product, "instance-stop-post", **nowhere) == (0, "")
    code, error = hook(ovs, product, "instance-add-pre", **nowhere)
    assert code == 1
    assert "Open vSwitch's database does not answer" in error
    other = {**nowhere, "GANETI_INSTANCE_PRIMARY": "other.lab"}
    assert hook(ovs, product, "instance-add-pre", **other) == (0, "")


def test_unit_is_valid(product: Product) -> None:
    """systemd names what it cannot parse, and a program that is not there."""
    unit = product.root / "usr/lib/systemd/system/ganeti-ovs.service"
    done = subprocess.run(
        ["systemd-analyze", "--man=no", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert f"ExecStart={product.root}/usr/bin/gnt-ovs reconcile\n" in unit.read_text()
