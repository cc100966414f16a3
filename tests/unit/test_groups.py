"""Between node groups: what a hook on the master makes of Ganeti's configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.cluster.groups import Groups
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.hooks import before as module
from ganeti_ovs.hooks.before import before
from tests.captured import DIRECTORY, environment

MOVE = environment(DIRECTORY / "hooks/instance-migrate-pre.env")
"""inst1.lab's NIC 1 has network net1, VLAN .300; from node1.lab to node2.lab."""
NETWORK = MOVE["GANETI_INSTANCE_NIC1_NETWORK_UUID"]
NET1 = {"mode": "openvswitch", "link": "br0", "vlan": ".300"}
HERE = "inst1.lab, NIC 1 (new on vSwitch br0): network net1 of this NIC "


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of the hook on the master, whose vSwitches are there."""
    monkeypatch.setattr(module, "_switches", lambda _here: {"br0", "br1"})
    (tmp_path / "lib/ganeti").mkdir(parents=True)
    (tmp_path / "lib/ganeti/ssconf_master_node").write_text(os.uname().nodename)
    return {**MOVE, "LOCALSTATEDIR": str(tmp_path)}


def configuration(
    environ: dict[str, str], here: Any, there: Any, *, group: str = "b", **more: Any
) -> None:
    data = {
        "nodes": {
            "n1": {"name": "node1.lab", "group": "a"},
            "n2": {"name": "node2.lab", "group": group},
        },
        "nodegroups": {
            "a": {"name": "racka", "networks": {NETWORK: here} if here else {}},
            "b": {"name": "rackb", "networks": {NETWORK: there} if there else {}, **more},
        },
        "networks": {NETWORK: {"name": "net1"}},
    }
    Path(environ["LOCALSTATEDIR"], "lib/ganeti/config.data").write_text(json.dumps(data))


@pytest.mark.parametrize("event", ["instance-migrate", "instance-failover"])
@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        (NET1, NET1, ""),
        (NET1, {**NET1, "vlan": "300"}, ""),
        (
            NET1,
            {**NET1, "vlan": ".400"},
            "has VLAN .400, not .300, in node group rackb, where the guest would be in another"
            " network; connect it there as here, or change the NIC",
        ),
        (
            NET1,
            {"mode": "bridged", "link": "br9", "vlan": ""},
            "has mode bridged, not openvswitch, and link br9, not br0, and VLAN none, not .300, in"
            " node group rackb, where the guest would be in another network; connect it there as"
            " here, or change the NIC",
        ),
        (NET1, None, "is not connected to node group rackb; gnt-network connect"),
        (None, NET1, ""),
        ({**NET1, "vlan": ".400"}, {**NET1, "vlan": ".400"}, ""),
    ],
    ids=["same", "written otherwise", "vlan", "all", "none", "gone here", "own vlan"],
)
def test_network_of_another_group(
    event: str, here: Any, there: Any, said: str, environ: dict[str, str]
) -> None:
    configuration(environ, here, there)
    assert before(event, environ) == ([HERE + said] if said else [])


def test_where_nothing_is_to_be_said(environ: dict[str, str]) -> None:
    """The same group; a target that is not known; another operation; no master; no NIC of it."""
    other = {**NET1, "vlan": ".400"}
    configuration(environ, NET1, other, group="a")
    assert before("instance-migrate", environ) == []
    configuration(environ, NET1, other)
    assert len(before("instance-migrate", environ)) == 1
    assert before("instance-migrate", {**environ, "GANETI_NEW_PRIMARY": ""}) == []
    assert before("instance-modify", environ) == []
    assert before("instance-migrate", {**environ, "GANETI_INSTANCE_NIC1_MODE": "routed"}) == []
    del environ["GANETI_INSTANCE_NIC1_NETWORK_UUID"]
    assert before("instance-migrate", environ) == []
    environ["GANETI_INSTANCE_NIC1_NETWORK_UUID"] = NETWORK
    Path(environ["LOCALSTATEDIR"], "lib/ganeti/ssconf_master_node").write_text("other.lab")
    assert before("instance-migrate", environ) == []


@pytest.mark.parametrize("event", ["migrate", "failover"])
def test_what_only_tidies_up_is_not_refused(event: str, environ: dict[str, str]) -> None:
    configuration(environ, NET1, None)
    assert len(before(f"instance-{event}", environ)) == 1
    environ[f"GANETI_{event.upper()}_CLEANUP"] = "True"
    assert before(f"instance-{event}", environ) == []


@pytest.mark.parametrize(
    "data",
    [
        "", "{", "[]", '{"nodes": [], "nodegroups": 7}',
        '{"nodes": {"n": 7}, "nodegroups": {"a": 1}}',
        '{"nodes": {"n": {"name": "node1.lab", "group": ["a"]}}, "nodegroups": {"a": {}}}',
        '{"nodes": {"n": {"name": "node1.lab", "group": "a"}},'
        ' "nodegroups": {"a": {"networks": 7}}}',
    ],
)  # fmt: skip
def test_a_broken_configuration(data: str, environ: dict[str, str]) -> None:
    Path(environ["LOCALSTATEDIR"], "lib/ganeti/config.data").write_text(data)
    groups = Groups(runtime(environ))
    assert groups.of("node1.lab") in ("", "a")
    assert groups.tags("racka") is None
    assert before("instance-migrate", environ) == []


CONNECT = {
    "GANETI_GROUP_NAME": "rackb", "GANETI_GROUP_NETWORK_MODE": "openvswitch",
    "GANETI_GROUP_NETWORK_LINK": "br1", "GANETI_GROUP_NETWORK_VLAN": ".5",
}  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ([], ""),
        (["ovs:switch:br1"], ""),
        (["ovs:switch:br7", "x"], "node group rackb, which has br7"),
        (["ovs:switch:br0:bad:1"], "node {}, which keeps br0"),
        (None, "node {}, which keeps br0"),
    ],
    ids=["none", "it", "another", "wrong tag", "not known"],
)
def test_a_node_that_came_from_another_group(tags: Any, said: str, environ: dict[str, str]) -> None:
    """It keeps what its former group has."""
    kept = Path(environ["LOCALSTATEDIR"], "lib/ganeti-ovs/switches.json")
    kept.parent.mkdir()
    kept.write_text('{"format": 1, "revision": "", "switches": {"br0": {}}}')
    if tags is not None:
        configuration(environ, None, None, tags=tags)
    words = said.format(os.uname().nodename)
    assert before("network-connect", environ | CONNECT) == (
        [f"br1 is no vSwitch of {words}; gnt-ovs add-switch -g rackb br1 takes it over as it is"]
        if said
        else []
    )
