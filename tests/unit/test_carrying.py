"""What hung on a port that goes: which port gets it, and what is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from ganeti_ovs.model.hanging import Around
from ganeti_ovs.model.operations import Mutate
from ganeti_ovs.model.plug import Plug
from ganeti_ovs.model.rows import Bridge, Row, Uuid
from ganeti_ovs.model.snapshot import Live, Snapshot
from ganeti_ovs.model.taprows import TapRows
from ganeti_ovs.node import carrying
from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.plan.portsplan import DesiredPorts, PortStep, plan_ports, still_there
from ganeti_ovs.plan.portwords import lost_words
from tests.unit.test_portchanges import PLUG, nic, port_of

OLD = port_of(nic(), _uuid=Uuid("old"))
NEW = nic(tap="tap5")
MIRRORS = (
    Row(
        {
            "_uuid": Uuid("m"), "name": "span0", "select_src_port": Uuid("old"),
            "select_dst_port": frozenset(), "output_port": frozenset(),
        }
    ),
)  # fmt: skip


class Rows(Row):
    """A guest's row as it is read whole."""

    table = "Port"


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the database has around ports: a mirror on the old one, which is protected."""
    bridge = Bridge({"_uuid": Uuid("b"), "name": "br0", "mirrors": Uuid("m")})
    rows = {
        Uuid("old"): Rows(
            {"_uuid": Uuid("old"), "protected": True, "external_ids": {"rack": "7"},
             "other_config": {}}
        ),
        Uuid("p"): Rows({"_uuid": Uuid("p"), "external_ids": {}, "other_config": {}}),
        Uuid("i"): Rows({"_uuid": Uuid("i"), "external_ids": {}, "other_config": {}}),
    }  # fmt: skip
    found = Around(MIRRORS, (bridge,), rows)
    monkeypatch.setattr(carrying, "read_around", lambda _client, *_which: found)


def steps(*live: Live, nics: Any = None) -> list[PortStep]:
    """The steps where tap0 is gone."""
    wanted = {} if nics is None else nics
    desired = DesiredPorts(wanted, {tap: Plug("b00tb00t", 7, 1) for tap in wanted})
    snapshot = Snapshot({one.found.tap: one for one in live}, frozenset({"br0"}))
    plan = plan_ports(desired, snapshot)
    client = cast(Client, None)
    return [*carrying.Carrying().with_carried(client, desired, snapshot, plan).steps]


def test_a_port_that_stays_gets_it_only_as_it_was_looked_at() -> None:
    """Its tap is to be locked, and the transaction fails if it is another NIC's by now."""
    heir = port_of(NEW)
    (step,) = steps(OLD, heir, nics={"tap5": NEW})
    assert step.tap == "tap0"
    assert step.heir == "tap5"
    assert all(one in step.unchanged for one in still_there(heir))
    assert any(isinstance(one, Mutate) and one.table == "Mirror" for one in step.operations)
    assert lost_words(step.change) == ""


def test_a_foreign_port_gets_nothing() -> None:
    """The NIC's step was refused: what is on its tap is not ours to change."""
    made = port_of(NEW, marked=False)
    found = TapRows(**{**vars(made.found), "interface_type": "internal"})
    foreign = replace(made, found=found)
    going = [one for one in steps(OLD, foreign, nics={"tap5": NEW}) if one.tap == "tap0"]
    assert [one.heir for one in going] == [""]


@pytest.mark.parametrize("dry_run", [True, False])
def test_all_that_is_lost_is_named(dry_run: bool) -> None:
    (step,) = steps(OLD)
    go = "would go" if dry_run else "went"
    words = f"tap0: with its port {go} mirror span0, protected"
    assert lost_words(step.change, dry_run=dry_run) == words


def test_what_the_new_port_cannot_have() -> None:
    """It is on another vSwitch, where the mirror is none."""
    moved = nic(tap="tap5", switch="br1")
    live = Snapshot({"tap0": OLD}, frozenset({"br0", "br1"}))
    desired = DesiredPorts({"tap5": moved}, {"tap5": PLUG})
    plan = plan_ports(desired, live)
    found = carrying.Carrying().with_carried(cast(Client, None), desired, live, plan).steps
    (words,) = [lost_words(one.change) for one in found if one.goes]
    assert words == (
        "tap0: with its port went mirror span0; its NIC's new port gets it by hand alone"
    )
