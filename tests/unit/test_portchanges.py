"""What reconcile says of a guest's port: old -> new, as data and in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.plain import from_plain, to_plain
from ganeti_ovs.model.plug import Plug
from ganeti_ovs.model.rows import Interface, Port, QoS, Queue, Uuid
from ganeti_ovs.model.snapshot import Live, Snapshot
from ganeti_ovs.model.taprows import TapRows
from ganeti_ovs.model.vlan import Vlan
from ganeti_ovs.plan.limits import policing, shaping
from ganeti_ovs.plan.port import QOS_TYPE, ids, interface_ids, vlan_columns
from ganeti_ovs.plan.portchanges import PortChange, PortKind, settings
from ganeti_ovs.plan.portsplan import DesiredPorts, PortStep, plan_ports
from ganeti_ovs.plan.portwords import port_words

UUID = "bdc23741-5995-403d-8ac7-f75f8c7b3b6b"
VLAN = Vlan(100)
PLUG = Plug("b00tb00t", 7, 1)


def nic(vlan: Vlan = VLAN, **changes: Any) -> Nic:
    values: dict[str, Any] = {
        "instance": "inst1.lab", "index": 0, "uuid": UUID, "mac": "aa:00:00:00:00:01",
        "tap": "tap0", "switch": "br0", "vlan": vlan, "port_type": "access", "plug": PLUG.text(),
    }  # fmt: skip
    return Nic(**{**values, **changes})


def port_of(one: Nic, **changes: Any) -> Live:
    """Its port as we make it, with `changes` of columns."""
    rate, burst = policing(one.max_bandwidth, one.max_burst)
    interface: dict[str, Any] = {
        "_uuid": Uuid("i"), "name": one.tap, "external_ids": interface_ids(one), "ofport": 3,
        "error": None, "ingress_policing_rate": rate, "ingress_policing_burst": burst,
    }  # fmt: skip
    port: dict[str, Any] = {
        "_uuid": Uuid("p"), "name": one.tap, "external_ids": ids(one), "qos": frozenset(),
        "interfaces": frozenset({Uuid("i")}), **vlan_columns(one),
    }  # fmt: skip
    qos = queue = None
    if one.max_bandwidth:
        configs = shaping(one.max_bandwidth, one.max_burst)
        row = {"_uuid": Uuid("q"), "type": QOS_TYPE, "external_ids": ids(one)}
        qos = QoS({**row, "other_config": configs[0], "queues": {0: Uuid("u")}})
        queue = Queue({"_uuid": Uuid("u"), "other_config": configs[1], "external_ids": ids(one)})
        port["qos"] = frozenset({Uuid("q")})
    for row in (interface, port):
        row.update({name: value for name, value in changes.items() if name in row})
    found = TapRows(
        tap=one.tap, port=Uuid("p"), port_name=one.tap, interface_type="",
        interfaces=frozenset({Uuid("i")}), marked=changes.get("marked", True), iface_id=one.uuid,
        plug=one.plug,
    )  # fmt: skip
    return Live(found, one.switch, Port(port), Interface(interface), qos, queue)


def step(one: Nic, live: Live | None) -> PortStep | None:
    desired = DesiredPorts({"tap0": one}, {"tap0": PLUG})
    has = {"tap0": live} if live else {}
    plan = plan_ports(desired, Snapshot(has, frozenset({"br0", "br1"})))
    assert not (plan.problems or plan.left)
    return plan.steps[0] if plan.steps else None


def line(one: Nic, live: Live | None) -> str:
    found = step(one, live)
    return port_words(found.change) if found else ""


CHANGED = "changed tap0 (inst1.lab, NIC 0) on br0: "
REPLACED = "replaced tap0 (inst1.lab, NIC 0) on br0: "
HYBRID: dict[str, Any] = {"vlan": Vlan(2, (10, 20)), "port_type": "hybrid"}


@pytest.mark.parametrize(
    ("has", "wants", "said"),
    [
        (nic(), nic(), ""),
        (nic(), nic(Vlan(200)), CHANGED + "VLAN .100 -> .200"),
        (nic(), nic(Vlan()), CHANGED + "VLAN .100 -> none"),
        (
            nic(),
            nic(Vlan(), port_type="trunk"),
            CHANGED + "port_type access -> trunk, VLAN .100 -> all",
        ),
        (nic(), nic(**HYBRID), CHANGED + "port_type access -> hybrid, VLAN .100 -> .2:10:20"),
        (
            nic(),
            nic(Vlan(200), max_bandwidth=100_000_000),
            CHANGED + "VLAN .100 -> .200, max_bandwidth none -> 100M",
        ),
        (nic(max_bandwidth=10**7), nic(), CHANGED + "max_bandwidth 10M -> none"),
        (
            nic(max_bandwidth=10**7),
            nic(max_bandwidth=10**7, max_burst=1_024_000),
            CHANGED + "max_burst (sends) 3.00032M -> 1.024M,"
            " max_burst (receives) 524.288k -> 1.024M",
        ),
        (nic(mac="aa:00:00:00:00:02"), nic(), CHANGED + "attached-mac aa:00:00:00:00:02 ->"
         " aa:00:00:00:00:01"),
        (nic(index=1), nic(), CHANGED + "ganeti-nic 1 -> 0"),
        (nic(switch="br1"), nic(), REPLACED + "vSwitch br1 -> br0"),
        (nic(uuid=UUID[:-1] + "c"), nic(), REPLACED + "it was another NIC's"),
        (nic(plug=Plug("b00tb00t", 6, 1).text()), nic(), REPLACED + "its interface was made anew"),
    ],
)  # fmt: skip
def test_words(has: Nic, wants: Nic, said: str) -> None:
    assert line(wants, port_of(has)) == said


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"ingress_policing_rate": 0}, CHANGED + "max_bandwidth (sends) none -> 10M"),
        ({"ingress_policing_burst": 8}, CHANGED + "max_burst (sends) 8.192k -> 3.00032M"),
        ({"vlan_mode": "dot1q-tunnel"}, CHANGED + "port_type dot1q-tunnel -> access"),
        ({"vlan_mode": None, "tag": None}, CHANGED + "port_type trunk -> access, VLAN all -> .100"),
        ({"error": "gone"}, REPLACED + "ovs-vswitchd did not have it"),
        ({"marked": False}, REPLACED + "it was not ours"),
    ],
)
def test_altered_by_hand(columns: dict[str, Any], said: str) -> None:
    one = nic(max_bandwidth=10**7)
    assert line(one, port_of(one, **columns)) == said


def test_no_port() -> None:
    assert line(nic(), None) == "attached tap0 (inst1.lab, NIC 0) to br0"


NICS = st.builds(
    nic,
    st.one_of(st.builds(Vlan, st.integers(1, 4094)), st.just(Vlan())),
    max_bandwidth=st.sampled_from([0, 10**6, 10**7]),
    max_burst=st.sampled_from([0, 1_024_000]),
    index=st.integers(0, 2),
    mac=st.sampled_from(["aa:00:00:00:00:01", "aa:00:00:00:00:02"]),
)


@given(NICS, NICS)
def test_what_is_done_is_said(has: Nic, wants: Nic) -> None:
    """And nothing is said where nothing is done; other nodes read it as it was."""
    live = port_of(has)
    found = step(wants, live)
    assert bool(settings(wants, live)) == (found is not None)
    if found is not None:
        assert found.change.kind is PortKind.CHANGED
        assert from_plain(PortChange, to_plain(found.change)) == found.change
