"""The plan's operations against the schema that Open vSwitch ships."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.nic import Nic
from ganeti_ovs.model.operations import Delete
from ganeti_ovs.model.rows import Uuid
from ganeti_ovs.model.taprows import TapRows
from ganeti_ovs.model.vlan import Vlan, port_type_for
from ganeti_ovs.ovsdb.encode import encoded_operation
from ganeti_ovs.plan import port
from ganeti_ovs.plan.limits import policing, shaping
from tests.unit.simulated import TABLES
from tests.unit.test_vlan import vlans

# Not on every machine: python3-openvswitch.
ovs_types = pytest.importorskip("ovs.db.types")
Datum = pytest.importorskip("ovs.db.data").Datum
OvsdbError = pytest.importorskip("ovs.db.error").Error

UUID = "bdc23741-5995-403d-8ac7-475db57bbb6f"


def nic(vlan: Vlan = Vlan(), rate: int = 0, burst: int = 0, port_type: str | None = None) -> Nic:  # noqa: B008
    return Nic(
        instance="i.lab",
        index=0,
        uuid=UUID,
        mac="aa:00:00:00:00:01",
        tap="tap0",
        switch="br0",
        vlan=vlan,
        port_type=port_type_for(vlan, port_type),
        max_bandwidth=rate,
        max_burst=burst,
    )


def check_row(table: str, row: dict[str, Any]) -> None:
    """Fail unless every value is of its column's type."""
    for column, value in row.items():
        column_type = ovs_types.Type.from_json(TABLES[table]["columns"][column]["type"])
        symbols: dict[str, Any] = {}
        try:
            Datum.from_json(column_type, _as_uuid(value), symbols)
        except OvsdbError as err:
            pytest.fail(f"{table}.{column} = {value}: {err}")


def _as_uuid(value: Any) -> Any:
    """Named references as real ones: their types are the same."""
    if isinstance(value, list):
        if value[:1] == ["named-uuid"]:
            return ["uuid", UUID]
        return [_as_uuid(one) for one in value]
    return value


@given(vlans(), st.sampled_from([0, 12_000, 10**7, 34_359_738_000]), st.integers(0, 10**9))
def test_inserted_rows_fit_the_schema(vlan: Vlan, rate: int, burst: int) -> None:
    operations = map(encoded_operation, port.attach(nic(vlan, rate, burst)))
    inserts = {op["table"]: op["row"] for op in operations if op["op"] == "insert"}
    expected = {"Interface", "Port"} | ({"QoS", "Queue"} if rate else set())
    assert set(inserts) == expected
    for table, row in inserts.items():
        check_row(table, row)
        assert ["ganeti-ovs", "1"] in row["external_ids"][1]


def test_check_row_can_fail() -> None:
    with pytest.raises(pytest.fail.Exception):
        check_row("Port", {"tag": ["set", [4096]]})
    with pytest.raises(pytest.fail.Exception):
        check_row("Port", {"vlan_mode": "hybrid"})


@pytest.mark.parametrize(
    ("vlan", "port_type", "columns"),
    [
        (Vlan(), None, ("access", None, set())),
        (Vlan(5), None, ("access", 5, set())),
        (Vlan(), "trunk", ("trunk", None, set())),
        (Vlan(None, (10, 20)), None, ("trunk", None, {10, 20})),
        (Vlan(2, (10, 20)), None, ("native-untagged", 2, {10, 20})),
    ],
)
def test_vlan_columns(vlan: Vlan, port_type: str | None, columns: tuple[str, Any, Any]) -> None:
    mode, tag, trunks = columns
    assert port.vlan_columns(nic(vlan, port_type=port_type)) == {
        "vlan_mode": mode,
        "tag": tag,
        "trunks": trunks,
    }


def test_only_a_trunk_may_pass_all_vlans() -> None:
    for vlan in (Vlan(), Vlan(5), Vlan(2, (10,))):
        columns = port.vlan_columns(nic(vlan))
        assert columns["trunks"] or columns["vlan_mode"] == "access"


def test_units() -> None:
    assert policing(0, 10**6) == (0, 0)
    rate, burst = policing(10_000_000, 1_024_000)
    assert (rate, burst) == (10_000, 1000)
    qos, queue = shaping(10_000_000, 1_024_000)
    assert qos == {"max-rate": "10000000"}
    assert queue == {"max-rate": "10000000", "min-rate": "10000000", "burst": "1024000"}


@pytest.mark.parametrize(
    ("rate", "policed", "shaped"),
    [
        (1_000_000, 576, 524_288),  # 72 and 64 KiB
        (10_000_000, 2930, 524_288),  # 300 ms: 3,000,000 bit
        (200_000_000, 58_594, 10_000_000),  # 300 ms and 50 ms
    ],
)
def test_chosen_bursts(rate: int, policed: int, shaped: int) -> None:
    assert policing(rate, 0) == (rate // 1000, policed)
    assert shaping(rate, 0)[1]["burst"] == str(shaped)


def found(**changes: Any) -> TapRows:
    values: dict[str, Any] = {
        "tap": "tap0",
        "port": Uuid(UUID),
        "port_name": "tap0",
        "interface_type": "",
        "interfaces": frozenset({Uuid(UUID)}),
        "marked": False,
        "iface_id": "",
    }
    return TapRows(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"port_name": "bond0", "interfaces": frozenset({Uuid(UUID), Uuid("other")})},
        {"interfaces": frozenset({Uuid(UUID), Uuid("other")})},
        {"interface_type": "internal"},
        {"interface_type": "patch"},
        {"interface_type": "vxlan"},
    ],
)
def test_foreign_rows_that_are_no_stale_port(changes: dict[str, Any]) -> None:
    with pytest.raises(Error, match="not ours"):
        port.refuse_foreign(found(**changes))


def test_a_stale_port_may_go() -> None:
    port.refuse_foreign(found())


def test_detach_takes_what_is_ours() -> None:
    operations = port.detach(found(qos=(Uuid("q"),), queues=(Uuid("u"), Uuid("v"))))
    deleted = [(op.table, op.uuid) for op in operations if isinstance(op, Delete)]
    assert deleted == [("Port", UUID), ("QoS", "q"), ("Queue", "u"), ("Queue", "v")]
