"""Settings that rows say are those that they were made of."""

from __future__ import annotations

from hypothesis import given

from ganeti_ovs.model.vswitch import VSwitch, settings_of
from ganeti_ovs.plan.actual import actual_settings
from tests.unit.simulated import Database
from tests.unit.test_plan_vswitch import HOST, apply, bridge, port
from tests.unit.test_vswitch import switches as any_switch


@given(any_switch())
def test_there_and_back(wanted: VSwitch) -> None:
    database = Database()
    apply(database, wanted, host=HOST)
    current = database.found()
    row = current.bridges[wanted.name]
    ports = current.ports_of(row)
    uplink = ports[0] if ports else None
    members = current.members(uplink) if uplink else {}
    found = actual_settings(row, uplink, members, current.interfaces[wanted.name])
    wish = settings_of(wanted)
    assert sorted(found.pop("uplinks", "").split("+")) == sorted(wish.pop("uplinks", "").split("+"))
    if not members:
        wish.pop("trunks", None)
    assert found == wish


def test_values_of_others_are_shown() -> None:
    database = Database()
    bridge(database, "br0", fail_mode="secure")
    port(database, "br0", "a", "b", name="bond0", lacp="active",
         other_config=["map", [["lacp-fallback-ab", "perhaps"]]])  # fmt: skip
    current = database.found()
    (bond,) = current.ports_of(current.bridges["br0"])
    assert actual_settings(current.bridges["br0"], bond, current.members(bond), None) == {
        "uplinks": "a+b",
        "lacp": "active",
        "lacp_fallback": "perhaps",
        "fail_mode": "secure",
    }
