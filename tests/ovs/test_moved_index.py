"""Tags by index when Ganeti numbers a guest's NICs anew: no NIC gets another one's settings."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.captured import DIRECTORY, environment
from tests.ovs.support import port
from tests.ovs.test_reconcile import nic, reconcile, up
from tests.testbed.guests import Guests
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

UUIDS = [f"{n}0000000-0000-4{n}00-8000-00000000000{n}" for n in range(4)]
TRUNK = "ovs:nic:0:port_type:trunk"
LIMIT = "ovs:nic:1:max_bandwidth:10M"
HINT = (
    f"gnt-instance add-tags web.lab ovs:nic:{UUIDS[1]}:max_bandwidth:10M;"
    f" gnt-instance remove-tags web.lab {TRUNK} {LIMIT}"
)
BASE = {
    name: value
    for name, value in environment(DIRECTORY / "hooks/instance-modify-post.env").items()
    if "_NIC" not in name
}


def one(index: int, which: int, tags: str = f"{TRUNK} {LIMIT}") -> dict[str, str]:
    return nic(
        0, INSTANCE="web.lab", INTERFACE=f"tap{which}", INTERFACE_INDEX=str(index), VLAN="",
        INTERFACE_UUID=UUIDS[which], MAC=f"aa:00:00:00:00:0{which}", TAGS=tags, LINK="br0",
    )  # fmt: skip


@pytest.fixture
def guests(ovs: OpenVSwitch, product: Product) -> Iterator[Guests]:
    """web.lab with two NICs: a trunk of all VLANs, and one with a limit."""
    fixture = Guests(ovs.dir / "var")
    nics = one(0, 0), one(1, 1)
    fixture.start("web.lab", *nics)
    for each in nics:
        up(ovs, product, each)
    assert hook(ovs, product, "instance-start-post", *nics) == (0, "")
    yield fixture
    fixture.close()


def hook(
    ovs: OpenVSwitch, product: Product, name: str, *nics: dict[str, str], **more: str
) -> tuple[int, str]:
    """The hook of an operation after which web.lab has these NICs."""
    event, _, phase = name.rpartition("-")
    prefix = "GANETI_POST_INSTANCE_" if phase == "post" else "GANETI_INSTANCE_"
    told = {
        "GANETI_HOOKS_PATH": event,
        "GANETI_HOOKS_PHASE": phase,
        f"{prefix}NAME": "web.lab",
        f"{prefix}TAGS": nics[0]["TAGS"],
        f"{prefix}NIC_COUNT": str(len(nics)),
        "GANETI_INSTANCE_STATUS": "up",
        "GANETI_INSTANCE_PRIMARY": socket.gethostname(),
    }
    for index, each in enumerate(nics):
        for key in ("UUID", "MAC", "MODE", "LINK", "VLAN"):
            told[f"{prefix}NIC{index}_{key}"] = each.get(key) or each.get(f"INTERFACE_{key}", "")
    path = product.etc / "ganeti/hooks" / f"{name}.d" / "50-ovs"
    done = product.run({**BASE, **told, **ovs.environ, **more}, path)
    return done.returncode, done.stderr


def kinds(ovs: OpenVSwitch, *taps: str) -> list[tuple[str, int, str]]:
    found = []
    for tap in taps:
        row = port(ovs, tap)
        marks = row["interface"]["external_ids"]
        found.append(
            (row["vlan_mode"][0], row["interface"]["ingress_policing_rate"], marks["ganeti-nic"])
        )
    return found


def test_the_first_nic_is_unplugged(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """--net 0:remove --hotplug: Ganeti asks when it has been done, so it is said afterwards."""
    guests.hot_remove("web.lab", 0)
    guests.configuration(one(0, 0), one(1, 1))
    assert hook(ovs, product, "instance-modify-pre", one(0, 1)) == (0, "")
    guests.configuration(one(0, 1))
    words = (
        "web.lab: NIC 0 was NIC 1 when plugged, and what the tags gave it then is kept; by index"
        f" they mean another NIC now, write them by UUID: {HINT}\n"
    )
    assert hook(ovs, product, "instance-modify-post", one(0, 1)) == (1, f"ganeti-ovs: {words}")
    assert kinds(ovs, "tap1") == [("access", 10_000, "0")]
    # On every run, also where the configuration is not at hand.
    assert reconcile(ovs, product, code=1)[1] == f"gnt-ovs: {words}"
    (guests.var / "lib/ganeti/config.data").unlink()
    assert reconcile(ovs, product, code=1)[1] == f"gnt-ovs: {words}"
    # It would be plugged anew, by its new index.
    code, refused = hook(ovs, product, "instance-migrate-pre", one(0, 1))
    assert code == 1
    assert refused == (
        "ganeti-ovs: web.lab: NIC 1 is NIC 0, and tags by index mean another NIC; before you"
        f" migrate it, write them by UUID: {HINT}\n"
    )
    # Another operation on it changes nothing about that.
    assert hook(ovs, product, "instance-modify-pre", one(0, 1)) == (0, "")
    assert hook(ovs, product, "instance-modify-post", one(0, 1))[0] == 1
    assert kinds(ovs, "tap1") == [("access", 10_000, "0")]
    # Resolved as it was said.
    guests.configuration(one(0, 1, f"ovs:nic:{UUIDS[1]}:max_bandwidth:10M"))
    assert reconcile(ovs, product) == (["nothing to do"], "")
    assert kinds(ovs, "tap1") == [("access", 10_000, "0")]
    assert hook(ovs, product, "instance-migrate-pre", one(0, 1)) == (0, "")


@pytest.mark.parametrize("known", ["by the configuration", "by what is plugged"])
def test_a_running_guests_nic_is_removed_without_hotplug(
    known: str, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    if known == "by the configuration":
        guests.configuration(one(0, 0), one(1, 1))
    code, words = hook(ovs, product, "instance-modify-pre", one(0, 1))
    assert (code, words) == (
        1,
        "ganeti-ovs: web.lab: NIC 1 would be NIC 0, and tags by index mean another NIC; before you"
        f" modify it, write them by UUID: {HINT}\n",
    )
    # What moves no index, or only such that no tag has, is none of our business.
    assert hook(ovs, product, "instance-modify-pre", one(0, 0), one(1, 1)) == (0, "")
    assert hook(ovs, product, "instance-modify-pre", one(0, 0)) == (0, "")
    free = [one(0, 0, ""), one(1, 1, "")]
    assert hook(ovs, product, "instance-modify-pre", free[1]) == (0, "")


def test_a_stopped_guests_nic_is_removed(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """The master has the configuration."""
    guests.stop("web.lab")
    guests.configuration(one(0, 0), one(1, 1))
    down = {"GANETI_INSTANCE_STATUS": "down"}
    assert hook(ovs, product, "instance-modify-pre", one(0, 1), **down)[0] == 1
    assert hook(ovs, product, "instance-modify-pre", one(0, 0), **down)[0] == 0


def test_a_nic_is_inserted(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """--net 0:add moves all others."""
    guests.configuration(one(0, 0), one(1, 1))
    new = [one(0, 2), one(1, 0), one(2, 1)]
    code, words = hook(ovs, product, "instance-modify-pre", *new)
    assert code == 1
    assert "NIC 0 would be NIC 1, NIC 1 would be NIC 2" in words
    assert f"ovs:nic:{UUIDS[0]}:port_type:trunk ovs:nic:{UUIDS[1]}:max_bandwidth:10M" in words
    # At the end, it moves none; tags that wait for it are fine.
    assert hook(ovs, product, "instance-modify-pre", one(0, 0), one(1, 1), one(2, 2)) == (0, "")
    # Hot-plugged, it would get what the tags gave to another one that runs.
    guests.hot_add("web.lab", one(0, 2))
    done = product.run({**one(0, 2), **ovs.environ})
    assert done.returncode == 1
    assert "tags by index 0 are those of another NIC of this guest, on tap0" in done.stderr
    assert f"gnt-instance add-tags web.lab ovs:nic:{UUIDS[0]}:port_type:trunk" in done.stderr
    assert kinds(ovs, "tap0", "tap1") == [("trunk", 0, "0"), ("access", 10_000, "1")]


def test_plugged_anew_after_another_one_has_gone(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """The script is told the new index; the NIC keeps what it had, and it is said again."""
    guests.hot_remove("web.lab", 0)
    assert hook(ovs, product, "instance-modify-post", one(0, 1))[0] == 1
    anew = {**one(0, 1), "MAC": "aa:00:00:00:00:11"}
    guests.hot_modify("web.lab", 0, anew, script=lambda nic: up(ovs, product, nic))
    assert kinds(ovs, "tap1") == [("access", 10_000, "0")]
    code, words = hook(ovs, product, "instance-modify-post", anew)
    assert code == 1
    assert "NIC 0 was NIC 1 when plugged" in words
    assert kinds(ovs, "tap1") == [("access", 10_000, "0")]


@pytest.mark.parametrize("configured", [False, True])
def test_scripts_are_told_positions(
    configured: bool, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """On a migration's target, in the order that hot-plugging has left in the runtime file."""
    guests.stop("web.lab")
    hook(ovs, product, "instance-stop-post", one(0, 0), one(1, 1))
    if configured:
        guests.configuration(one(0, 0), one(1, 1))
    guests.start("web.lab", one(0, 1), one(1, 0), script=lambda nic: up(ovs, product, nic))
    right = [("trunk", 0, "0"), ("access", 10_000, "1")]
    if configured:
        assert kinds(ovs, "tap0", "tap1") == right
    assert hook(ovs, product, "instance-migrate-post", one(0, 0), one(1, 1)) == (0, "")
    assert kinds(ovs, "tap0", "tap1") == right
    assert reconcile(ovs, product) == (["nothing to do"], "")


def test_a_guest_that_has_crashed(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """Ganeti counts it as up; its primary node knows that nothing of it runs."""
    guests.stop("web.lab", crash=True)
    guests.configuration(one(0, 0), one(1, 1))
    assert hook(ovs, product, "instance-modify-pre", one(0, 1))[0] == 1
