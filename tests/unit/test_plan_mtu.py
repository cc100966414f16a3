"""MTUs and other settings that are set back; guests' ports and spanning trees."""

from __future__ import annotations

from typing import Any

from ganeti_ovs.model.operations import Insert, Mutate, Select, Update
from ganeti_ovs.model.rows import Bridge, Interface, Port, Uuid
from ganeti_ovs.model.snapshot import Live
from ganeti_ovs.plan.adjust import adjust
from ganeti_ovs.plan.amend import amend
from ganeti_ovs.plan.current import Host
from ganeti_ovs.plan.port import NO_TREE, attach
from ganeti_ovs.plan.vswitch import plan_switches
from tests.unit.simulated import Database
from tests.unit.test_plan import found, nic
from tests.unit.test_plan_vswitch import (
    DEVICES,
    apply,
    bridge,
    lines,
    port,
    row,
    switch,
)

HOST = Host(DEVICES, mtus={"eth0": 2000})


def interface(database: Database, name: str) -> tuple[Any, Any]:
    """(mtu_request, external_ids)."""
    found = row(database, "Interface", name)
    return found["mtu_request"], dict(found["external_ids"][1])


def test_what_devices_had_is_kept_and_given_back() -> None:
    database = Database()
    apply(database, switch(uplinks="eth0"), host=HOST)
    port(database, "br0", "tap0", guest=True)
    port(database, "br0", "int0")
    row(database, "Interface", "int0")["type"] = "internal"
    for name, mtu in (("eth0", 2000), ("tap0", 1500)):
        row(database, "Interface", name)["mtu"] = mtu
    plan = apply(database, switch(uplinks="eth0", mtu="9000"), host=HOST)
    assert plan.mtus == dict.fromkeys(("br0", "int0", "tap0", "eth0"), 9000)
    assert interface(database, "eth0") == (9000, {"ganeti-ovs-mtu-before": "2000"})
    assert interface(database, "tap0")[1]["ganeti-ovs-mtu-before"] == "1500"
    assert database.found().bridges["br0"].guest_mtu == 9000
    # Another one: what was there at first counts.
    for name in ("eth0", "tap0"):
        row(database, "Interface", name)["mtu"] = 9000
    plan = apply(database, switch(uplinks="eth0", mtu="9100"), host=HOST)
    assert plan.refused == ()
    plan = apply(database, switch(uplinks="eth0"), host=HOST)
    assert plan.mtus == {"eth0": 2000, "tap0": 1500, "int0": 1500}
    assert "br0: eth0: mtu 9100 -> 2000" in lines(plan)
    assert [*plan.refused] == ["br0: mtu 1500 is below that of tap0 (inst1.lab, NIC 0)"]
    assert interface(database, "eth0") == (["set", []], {})
    assert database.found().bridges["br0"].guest_mtu == 0


def test_of_a_new_uplink_the_kernel_knows_it() -> None:
    database = Database()
    plan = apply(database, switch(uplinks="eth0", mtu="9000"), host=HOST)
    assert plan.mtus == {"eth0": 9000}
    assert interface(database, "eth0") == (9000, {"ganeti-ovs-mtu-before": "2000"})
    plan = apply(database, switch(uplinks="eth1", mtu="9000"), host=HOST)
    assert plan.mtus == {"eth0": 2000, "eth1": 9000}
    assert "br0: eth0: mtu 9000 -> 2000" in lines(plan)
    # An uplink of which nothing was noted, by an older version.
    row(database, "Interface", "eth1")["external_ids"] = ["map", []]
    row(database, "Interface", "eth1")["mtu"] = 9000
    plan = apply(database, switch(uplinks="eth1"), host=HOST)
    assert "eth1" not in plan.mtus
    assert "as nobody knows what it had before" in plan.warnings[0]


def test_a_removed_vswitch_gives_devices_back() -> None:
    database = Database()
    apply(database, switch(uplinks="eth0", mtu="9000"), host=HOST)
    plan = apply(database, host=HOST)
    assert plan.mtus == {"eth0": 2000}


def test_an_mtu_that_somebody_gave_to_a_port_of_theirs_stays() -> None:
    database = Database()
    apply(database, switch(uplinks="eth0"), host=HOST)
    port(database, "br0", "int0")
    row(database, "Interface", "int0").update(type="internal", mtu_request=1400)
    plan = apply(database, switch(uplinks="eth0", mtu="9000"), host=HOST)
    assert "br0: int0: mtu 1400 was set by hand and stays" in plan.warnings
    apply(database, switch(uplinks="eth0"), host=HOST)
    assert interface(database, "int0") == (1400, {})


def test_settings_of_an_adopted_bridge_are_reset() -> None:
    """Those that are said to have their default, and no others."""
    database = Database()
    bridge(database, "br0", fail_mode="secure", mcast_snooping_enable=True)
    port(database, "br0", "eth0", trunks=["set", [1, 2]], tag=7, vlan_mode="native-tagged")
    row(database, "Interface", "eth0")["mtu_request"] = 1400
    apply(database, switch(uplinks="eth0"))
    reset = switch(uplinks="eth0", fail_mode="standalone", trunks="", mtu="")
    plan = apply(database, reset)
    assert lines(plan) == [
        "br0: fail_mode secure -> standalone",
        "br0: eth0: mtu 1400 -> unset",
        "br0: eth0: trunks 1 2 -> unset",
        "br0: eth0: vlan_mode native-tagged -> unset",
        "br0: eth0: tag 7 -> unset",
    ]
    assert "br0: mcast_snooping true was set by hand and stays" in plan.warnings
    uplink = row(database, "Port", "eth0")
    empty = ["set", []]
    assert [uplink[name] for name in ("trunks", "tag", "vlan_mode")] == [empty, empty, empty]
    assert plan_switches((reset,), database.found(), HOST).operations == ()


def vswitch_row(**values: Any) -> Bridge:
    defaults = {"rstp_enable": False, "stp_enable": False, "external_ids": {}}
    return Bridge({"name": "br0", "datapath_type": "", **defaults, **values})


def inserted(bridge: Bridge | None = None) -> dict[str, Any]:
    """Table -> columns of what attaching inserts."""
    return {one.table: one.columns for one in attach(nic(), "", bridge) if isinstance(one, Insert)}


def of_new_port(bridge: Bridge | None) -> tuple[Any, Any]:
    """(Port.other_config, Interface.mtu_request)."""
    rows = inserted(bridge)
    return rows["Port"]["other_config"], rows["Interface"].get("mtu_request")


def test_guests_take_no_part_in_spanning_trees() -> None:
    assert of_new_port(None) == (NO_TREE, None)
    assert of_new_port(vswitch_row()) == (NO_TREE, None)
    mtu = {"ganeti-ovs-mtu": "9000"}
    assert of_new_port(vswitch_row(external_ids=mtu, rstp_enable=True)) == ({}, 9000)
    asked = [one for one in attach(nic()) if isinstance(one, Select)]
    assert [one.table for one in asked] == ["Bridge"]
    assert not any(isinstance(one, Select) for one in attach(nic(), "", vswitch_row()))


def test_what_is_amended() -> None:
    uuids = Uuid("i"), Uuid("p")
    assert amend(vswitch_row(), *uuids) == []
    mtu, note, part = amend(
        vswitch_row(external_ids={"ganeti-ovs-mtu": "9000"}, stp_enable=True), *uuids
    )
    assert isinstance(mtu, Update)
    assert isinstance(note, Mutate)
    assert isinstance(part, Mutate)
    assert mtu.columns == {"mtu_request": 9000}
    assert note.mutations[0].value == {"ganeti-ovs-mtu-before": "1500"}
    assert [one.mutator for one in part.mutations] == ["delete"]
    for text in ("", "x", "90000000", "-1"):
        assert vswitch_row(external_ids={"ganeti-ovs-mtu": text}).guest_mtu == 0


def live(**config: str) -> Live:
    """A port that is right but for other_config."""
    wanted = inserted()
    return Live(
        found(),
        "br0",
        Port({**wanted["Port"], "qos": frozenset(), "other_config": config, "_uuid": Uuid("p")}),
        Interface({**wanted["Interface"], "mtu_request": None, "_uuid": Uuid("i")}),
    )


def test_live_ports_are_brought_to_it() -> None:
    """But none leaves a tree that is running: it would get no broadcasts any more."""
    assert adjust(nic(), live(**NO_TREE), bridge=vswitch_row()) == []
    assert adjust(nic(), live(**NO_TREE, hand="1"), bridge=vswitch_row()) == []
    assert len(adjust(nic(), live(), bridge=vswitch_row())) == 2
    assert len(adjust(nic(), live(hand="1"), bridge=vswitch_row())) == 2
    assert adjust(nic(), live(), bridge=vswitch_row(rstp_enable=True)) == []
    mtu = vswitch_row(external_ids={"ganeti-ovs-mtu": "9000"})
    assert len(adjust(nic(), live(**NO_TREE), bridge=mtu)) == 3


def test_a_tree_that_is_switched_on_and_off() -> None:
    database = Database()
    apply(database, switch(uplinks="eth0"))
    port(database, "br0", "tap0", guest=True, other_config=["map", [["hand", "1"]]])
    plan = apply(database, switch(uplinks="eth0", rstp="yes"))
    assert "guests that start while RSTP is on take part in it" in plan.warnings[0]
    config = dict(row(database, "Port", "tap0")["other_config"][1])
    assert config == {"hand": "1", **NO_TREE}
    row(database, "Port", "tap0")["other_config"] = ["map", []]
    plan = apply(database, switch(uplinks="eth0", rstp="yes", mcast_snooping="yes"))
    assert dict(row(database, "Port", "tap0")["other_config"][1]) == {}
    apply(database, switch(uplinks="eth0"))
    assert dict(row(database, "Port", "tap0")["other_config"][1]) == NO_TREE
