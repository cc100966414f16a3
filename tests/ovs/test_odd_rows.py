"""One odd row keeps nobody else from what is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ganeti_ovs.model.operations import Delete, Mutate, Mutation, Select, Update, Where
from ganeti_ovs.model.rows import Uuid
from ganeti_ovs.node.steps import carry_out, carry_out_singly
from ganeti_ovs.ovsdb.client import TransactionFailed
from ganeti_ovs.ovsdb.session import NODE, Session
from ganeti_ovs.plan.portchanges import PortChange, PortKind
from ganeti_ovs.plan.portsplan import PortStep
from tests.ovs.support import port, wanted
from tests.ovs.test_reconcile import lose_database, nic, reconcile, start
from tests.testbed.guests import Guests
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.tap import Tap

LIMITED = {"TAGS": "ovs:nic:0:max_bandwidth:10M"}


@pytest.fixture
def guests(ovs: OpenVSwitch) -> Iterator[Guests]:
    fixture = Guests(ovs.dir / "var")
    yield fixture
    fixture.close()


def test_a_tap_in_somebodys_bond(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    for number in range(3):
        guests.start(f"inst{number}.lab", nic(number))
    guests.configuration(nic(0), nic(1), nic(2))
    with Tap("tap9"):
        ovs.vsctl("add-bond", "br0", "bond0", "tap1", "tap9")
        bond = port(ovs, "br0")["bridge"], [r for r in ovs.rows("Port") if r["name"] == "bond0"]
        lines, errors = reconcile(ovs, product, code=1)
        assert lines == [f"attached tap{n} (inst{n}.lab, NIC 0) to br0" for n in (0, 2)]
        assert errors == (
            "gnt-ovs: tap1 (inst1.lab, NIC 0): Open vSwitch has tap1 as part of port bond0, which"
            " is not ours; remove it by hand\n"
        )
        assert bond[1] == [r for r in ovs.rows("Port") if r["name"] == "bond0"]


@pytest.mark.parametrize("table", ["QoS", "Queue"])
@pytest.mark.parametrize("end", ["the guest", "the limit", "attach"])
def test_our_qos_row_is_used_by_somebody_else(
    table: str, end: str, ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    """What others use stays, and stays as it is; everything else goes on."""
    start(ovs, product, guests, nic(0, **LIMITED), nic(1), nic(2))
    qos, queue = ovs.vsctl("get", "port", "tap0", "qos").strip(), ovs.rows("Queue")[0]["_uuid"]
    with Tap("tap9"):
        ovs.vsctl("add-port", "br0", "tap9")
        if table == "QoS":
            ovs.vsctl("set", "port", "tap9", f"qos={qos}")
        else:
            ovs.vsctl("set", "port", "tap9", "qos=@q", "--", "--id=@q", "create", "qos",
                      "type=linux-htb", f"queues:0={queue}")  # fmt: skip
        ovs.vsctl("set", "port", "tap1", "tag=99")
        if end == "the guest":
            guests.stop("inst0.lab")
            lines, _ = reconcile(ovs, product)
            assert lines[-1] == "removed tap0 from br0: its interface is gone"
        elif end == "the limit":
            guests.configuration(nic(0), nic(1), nic(2))
            lines, _ = reconcile(ovs, product)
            assert lines[0].startswith(
                "changed tap0 (inst0.lab, NIC 0) on br0: QoS somebody else's ->"
            )
        else:
            guests.stop("inst0.lab", crash=True)
            start(ovs, product, guests, nic(5, INTERFACE="tap0"))
            lines, _ = reconcile(ovs, product)
        assert "changed tap1 (inst1.lab, NIC 0) on br0: VLAN .99 -> .10" in lines
        assert port(ovs, "tap1")["tag"] == [10]
        used = port(ovs, "tap9")
        assert used["queue"]["other_config"]["max-rate"] == "10000000"
        assert len(ovs.rows("Queue")) == 1
        assert len(ovs.rows("QoS")) == 1
        ovs.vsctl("del-port", "tap9")


def test_a_changed_limit_leaves_the_row_that_others_use(
    ovs: OpenVSwitch, product: Product, guests: Guests
) -> None:
    start(ovs, product, guests, nic(0, **LIMITED))
    qos = ovs.vsctl("get", "port", "tap0", "qos").strip()
    with Tap("tap9"):
        ovs.vsctl("add-port", "br0", "tap9", "--", "set", "port", "tap9", f"qos={qos}")
        guests.configuration(nic(0, TAGS="ovs:nic:0:max_bandwidth:30M"))
        reconcile(ovs, product)
        assert port(ovs, "tap9")["qos"]["other_config"]["max-rate"] == "10000000"
        assert port(ovs, "tap0")["qos"]["other_config"]["max-rate"] == "30000000"
        ovs.vsctl("del-port", "tap9")


def test_a_port_of_another_kind(ovs: OpenVSwitch, product: Product, guests: Guests) -> None:
    start(ovs, product, guests, nic(0), nic(1), nic(2))
    right = wanted(ovs)
    lose_database(ovs)
    ovs.vsctl("add-port", "br1", "tap1", "--", "set", "interface", "tap1", "type=patch",
              "options:peer=tap1")  # fmt: skip
    lines, errors = reconcile(ovs, product, code=1)
    assert lines == [f"attached tap{n} (inst{n}.lab, NIC 0) to br0" for n in (0, 2)]
    assert "tap1 (inst1.lab, NIC 0): Open vSwitch has an interface tap1 of type 'patch'" in errors
    ovs.vsctl("del-port", "tap1")
    reconcile(ovs, product)
    assert wanted(ovs) == right


NOTHING = PortChange(PortKind.CHANGED)


def test_what_no_plan_foresees(ovs: OpenVSwitch) -> None:
    """A transaction that fails because of one tap is made tap by tap, at last."""
    br1 = Where("name", "br1")
    steps = [
        PortStep("tap0", NOTHING, [], [Select("Bridge", Where("name", "br0"), ("_uuid",))]),
        PortStep(
            "tap1",
            NOTHING,
            [],
            [
                Delete("QoS", Uuid("b5b0f3a0-0000-4000-8000-000000000000")),
                Update("Bridge", br1, {"colour": "red"}),
            ],
        ),
        PortStep(
            "tap2",
            NOTHING,
            [],
            [Mutate("Bridge", br1, (Mutation("external_ids", "insert", {"done": "1"}),))],
        ),
    ]
    with Session(str(ovs.socket), NODE, 10) as session:
        session.acquire()
        with pytest.raises(TransactionFailed):
            carry_out(session, steps)
        assert ovs.vsctl("get", "bridge", "br1", "external_ids") == "{}\n"
        failed = carry_out_singly(session, steps)
    assert list(failed) == ["tap1"]
    assert "refused the change: unknown column" in failed["tap1"]
    assert ovs.vsctl("get", "bridge", "br1", "external_ids") == '{done="1"}\n'
