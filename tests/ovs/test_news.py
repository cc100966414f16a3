"""gnt-ovs reconcile --news: a node without Ganeti's configuration is told of a guest's NICs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ganeti_ovs.cluster.environment import said_in
from ganeti_ovs.cluster.news import to_line
from tests.ovs.support import port, wanted
from tests.ovs.test_moved_index import UUIDS, hook, one
from tests.ovs.test_reconcile import lose_database, nic, reconcile, start
from tests.testbed.guests import Guests
from tests.testbed.namespace import run
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

BEFORE = nic(0, TAGS="ovs:nic:0:max_bandwidth:10M")
UUID = BEFORE["INTERFACE_UUID"]
TAG = f"ovs:nic:{UUID}:max_bandwidth:20M"


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(ovs.dir / "var")
    yield fixture
    fixture.close()


def line(*nics: dict[str, str], whole: bool = False) -> str:
    return to_line([said_in(one).but(tap="") for one in nics], whole=whole)


def tell(
    ovs: OpenVSwitch, product: Product, text: str, *arguments: str, code: int = 0, **more: str
) -> Any:
    """The node's answer; without one, what it says on standard error."""
    done = subprocess.run(
        [product.gnt_ovs, "reconcile", "--news", *arguments],
        env={**ovs.environ, **more},
        input=f"{text}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def test_told(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """And it is kept: later, nobody says it again."""
    start(ovs, product, guests, BEFORE, nic(1))
    after = {**BEFORE, "TAGS": TAG, "VLAN": ".30"}
    before = wanted(ovs)
    planned = tell(ovs, product, line(after), "--dry-run")
    assert planned["done"] == [
        "changed tap0 (inst0.lab, NIC 0) on br0: VLAN .10 -> .30, max_bandwidth 10M -> 20M"
    ]
    assert planned["nics"] == []
    assert wanted(ovs) == before
    answer = tell(ovs, product, line(after))
    assert (answer["done"], answer["problems"]) == (planned["done"], [])
    (found,) = answer["nics"]
    assert (found["uuid"], found["tap"], found["problem"]) == (UUID, "tap0", "")
    assert "holds only for what the guest receives: br0 uses the userspace" in found["warning"]
    now = port(ovs, "tap0")
    assert (now["tag"], now["interface"]["ingress_policing_rate"]) == ([30], 20_000)
    right = wanted(ovs)
    assert reconcile(ovs, product) == (["nothing to do"], "")
    lose_database(ovs)
    assert len(reconcile(ovs, product)[0]) == 2
    assert wanted(ovs) == right


def test_a_nic_that_does_not_run_here(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, nic(1))
    answer = tell(ovs, product, line({**BEFORE, "TAGS": TAG}))
    assert answer["nics"] == [{"uuid": UUID, "tap": "", "problem": "", "warning": ""}]


def test_a_tap_of_which_nobody_knows_whose_it_is(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """That is not to say that the NIC does not run."""
    start(ovs, product, guests, BEFORE)
    guests.forget_records()
    (guests.root / "conf" / f"{BEFORE['INSTANCE']}.runtime").unlink()
    (found,) = tell(ovs, product, line({**BEFORE, "TAGS": TAG}))["nics"]
    assert found["tap"] == "?"
    assert found["problem"].startswith("which tap it has is not known; restart inst0.lab")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"LINK": "nobr"}, "this node has no vSwitch nobr"),
        ({"VLAN": "9999"}, "VLAN ID 9999 is not in 1-4094"),
        ({"TAGS": f"{TAG} ovs:nic:0:max_bandwith:1M"}, "did you mean ovs:nic:0:max_bandwidth:1M?"),
        ({"MODE": "bridged"}, ""),
    ],
)
def test_what_cannot_be(
    change: dict[str, str], why: str, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """The port stays as it is, and nobody says that it is right."""
    start(ovs, product, guests, BEFORE)
    before = wanted(ovs)
    answer = tell(ovs, product, line({**BEFORE, **change}))
    assert why in answer["nics"][0]["problem"]
    assert wanted(ovs) == before


def test_ovs_vswitchd_is_asked_now(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """The database is as it is to be, but nobody carries it out."""
    start(ovs, product, guests, BEFORE)
    assert tell(ovs, product, line(BEFORE))["nics"][0]["problem"] == ""
    ovs.freeze_vswitchd(True)
    try:
        said = tell(ovs, product, line(BEFORE), code=1, GANETI_OVS_TIMEOUT="1")
    finally:
        ovs.freeze_vswitchd(False)
    assert said == ("gnt-ovs: ovs-vswitchd has not applied the change within 1 s; is it running?\n")


def test_the_kernel_is_asked_now(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    """It limits nothing any more, though the database and ovs-vswitchd say so."""
    start(ovs, product, guests, BEFORE)
    run("tc", "qdisc", "del", "dev", "tap0", "root")
    said = tell(ovs, product, line(BEFORE))["nics"][0]["problem"]
    assert said.startswith("the kernel lets it receive without limit, not 10Mbit/s; ")


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"format": 7}'])
def test_nonsense(text: str, ovs: OpenVSwitch, product: Product) -> None:
    said = tell(ovs, product, text, code=1)
    assert said.startswith("gnt-ovs: ")
    assert said.count("\n") == 1
    assert "unexpected" not in said


def test_by_uuid_it_goes_before_older_tags_by_index(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """Of a NIC that was NIC 1 when plugged, whose tags by index are kept for it."""
    nics = one(0, 0), one(1, 1)
    guests.start("web.lab", *nics)
    for each in nics:
        assert product.run({**each, **ovs.environ}).returncode == 0
    assert hook(ovs, product, "instance-start-post", *nics) == (0, "")
    guests.hot_remove("web.lab", 0)
    moved = one(0, 1)
    _code, said = hook(ovs, product, "instance-modify-post", moved)
    assert "NIC 0 was NIC 1 when plugged" in said
    assert port(ovs, "tap1")["interface"]["ingress_policing_rate"] == 10_000
    tags = f"{moved['TAGS']} ovs:nic:{UUIDS[1]}:max_bandwidth:20M"
    answer = tell(ovs, product, line({**moved, "TAGS": tags}))
    assert answer["moved"] == ["1"]
    assert [found["problem"] for found in answer["nics"]] == [""]
    assert port(ovs, "tap1")["interface"]["ingress_policing_rate"] == 20_000
