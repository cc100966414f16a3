"""What is said of guests' VLANs that the uplinks' trunks keep back."""

from __future__ import annotations

import json

import pytest

from ganeti_ovs.plan.state import states
from tests.unit.simulated import Database

Columns = dict[str, object]


def cut(guest: Columns, *uplinks: Columns) -> list[str]:
    """Of a vSwitch with these Port columns of a guest's port and of uplinks."""
    database = Database()
    ours: Columns = {"external_ids": ["map", [["ganeti-ovs", "1"]]]}
    marks = [["ganeti-ovs", "1"], ["ganeti-instance", "a.lab"], ["ganeti-nic", "0"]]
    rows = [("tap0", guest, {"external_ids": ["map", marks]})]
    rows += [(f"e{number}", {**one, **ours}, {}) for number, one in enumerate(uplinks)]
    operations: list[Columns] = [
        {
            "op": "insert",
            "table": table,
            "uuid-name": f"{table}{name}",
            "row": {"name": name, **columns},
        }
        for name, port, interface in rows
        for table, columns in (
            ("Interface", interface),
            ("Port", {"interfaces": ["named-uuid", f"Interface{name}"], **port}),
        )
    ]
    ports = [["named-uuid", f"Port{name}"] for name, *_ in rows]
    bridge = {"name": "br0", "ports": ["set", ports]}
    operations += [
        {"op": "insert", "table": "Bridge", "uuid-name": "bridge", "row": bridge},
        {
            "op": "mutate",
            "table": "Open_vSwitch",
            "where": [],
            "mutations": [["bridges", "insert", ["set", [["named-uuid", "bridge"]]]]],
        },
    ]
    database.transact(operations)
    said = states(database.rows(), ["br0"])
    assert json.loads(json.dumps(said)) == said
    found: list[str] = said["br0"]["cut"]
    return found


def trunks(*vlans: int) -> Columns:
    return {"trunks": ["set", list(vlans)]}


TRUNK = {"vlan_mode": "trunk", **trunks(10, 20)}
HYBRID = {"vlan_mode": "native-untagged", "tag": 5, **trunks(10)}
ACCESS = {"vlan_mode": "access", "tag": 10}
UNTAGGED = {"vlan_mode": "access"}


@pytest.mark.parametrize(
    ("guest", "uplinks", "words"),
    [
        (TRUNK, [trunks(10, 20)], []),
        (TRUNK, [trunks(10)], ["VLAN 20"]),
        (TRUNK, [trunks(10), trunks(20)], []),
        (TRUNK, [trunks(10), trunks()], []),
        (TRUNK, [], []),
        ({"vlan_mode": "trunk"}, [trunks(10)], []),
        (HYBRID, [trunks(5, 10)], []),
        (HYBRID, [trunks(7)], ["VLAN 5", "VLAN 10"]),
        (ACCESS, [trunks(10)], []),
        (ACCESS, [trunks(20)], ["VLAN 10"]),
        (UNTAGGED, [trunks(0, 10)], []),
        (UNTAGGED, [trunks(10)], ["the untagged network"]),
        (ACCESS, [{"tag": 99}], ["VLAN 10"]),
        (ACCESS, [{"tag": 10}], []),
        (ACCESS, [{"vlan_mode": "access", **trunks(10)}], ["VLAN 10"]),
        (ACCESS, [{"vlan_mode": "dot1q-tunnel", "tag": 99}], ["VLAN 10"]),
        (ACCESS, [{"vlan_mode": "native-untagged", "tag": 10, **trunks(20)}], []),
        ({"vlan_mode": "native-untagged", "tag": 5}, [trunks(10)], ["VLAN 5"]),
    ],
)
def test_cut(guest: Columns, uplinks: list[Columns], words: list[str]) -> None:
    assert cut(guest, *uplinks) == [f"{one} of tap0 (a.lab, NIC 0)" for one in words]
