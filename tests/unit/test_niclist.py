"""The list of all guests' NICs: what Ganeti has, beside what nodes say."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.cli.nicfields import DEFAULT_FIELDS, FIELDS, values
from ganeti_ovs.cli.niclist import in_list
from ganeti_ovs.cli.table import print_table
from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.inventory import Instance, Network, read_instances, read_networks
from ganeti_ovs.cluster.master import Master
from ganeti_ovs.master.niclist import ListedNic, listed
from ganeti_ovs.master.status import read_status
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.status import Learned, NicState, NodeStatus, PortSettings
from tests.unit.statuses import PORT, answer, error, nic, node, warning

DOCS = Path(__file__).parents[2] / "docs"


def instance(name: str = "web1.lab", nics: int = 1, **changes: Any) -> Instance:
    said = tuple(
        NicSettings(
            instance=name, mac=f"aa:00:77:00:00:{index:02x}", mode="openvswitch",
            index=str(index), uuid=nic(name, index).uuid, link="br0", vlan=".100",
        )
        for index in range(nics)
    )  # fmt: skip
    return replace(Instance(name, "node1.lab", True, (), said), **changes)


def only(*instances: Instance, **statuses: NodeStatus) -> ListedNic:
    (found,) = listed(instances, {f"{name}.lab": one for name, one in statuses.items()}, NODES)
    return found


NODES = ("node1.lab", "node2.lab")


def test_a_guest_that_runs() -> None:
    found = only(instance(), node2=node("node2.lab"), node1=node(nics=()))
    assert (found.node, found.state, found.as_wanted) == ("node2.lab", "up", True)
    assert values(found, DEFAULT_FIELDS) == {
        "instance": "web1.lab", "nic": "0", "node": "node2.lab", "tap": "tap0", "switch": "br0",
        "port_type": "access", "vlan": ".100", "max_bandwidth": "-", "state": "up",
    }  # fmt: skip


def test_a_guest_that_does_not_run() -> None:
    """What it will be given; whether it really does not run is known only of nodes that answer."""
    found = only(instance(), node1=node(nics=()))
    assert (found.state, found.as_wanted) == ("stopped", True)
    shown = values(found, tuple(FIELDS))
    assert (shown["vlan"], shown["tap"], shown["rx"]) == (".100", "-", "-")
    assert only(instance()).state == "unknown"
    wrong = instance()
    wrong = replace(wrong, nics=(wrong.nics[0].but(vlan="x"),))
    found = only(wrong, node1=node(nics=()))
    assert not found.as_wanted
    assert values(found, ("vlan", "problems"))["problems"].startswith("vlan 'x'")


def test_what_ganeti_wants_is_what_is_wanted() -> None:
    """A node that has not heard of it goes by what it knows, and finds all of it right."""
    later = instance()
    later = replace(later, nics=(later.nics[0].but(vlan=".200"),))
    found = only(later, node1=node())
    assert (found.state, found.as_wanted) == ("differs", False)
    shown = values(found, ("vlan", "problems"))
    assert shown["vlan"] == ".100 (wanted .200)"
    assert shown["problems"].startswith("its port is access .100, not access .200, its")
    moved = warning("index-moved", "has another index", "web1.lab NIC 0 (tap0)")
    found = only(later, node1=node("node1.lab", moved))
    assert values(found, ("vlan",)) == {"vlan": ".100"}


def test_a_nic_that_the_running_guest_does_not_have() -> None:
    """What others of its NICs run has it not from its hot-plugging; all are seen, or none is."""

    def second(status: NodeStatus) -> tuple[str, bool]:
        statuses = {"node1.lab": status}
        found = [one for one in listed([instance(nics=2)], statuses, NODES) if one.index == "1"]
        return found[0].state, found[0].as_wanted

    assert second(node()) == ("not-plugged", False)
    assert second(node(nics=())) == ("stopped", True)
    assert second(node("node1.lab", error("guests"), nics=()))[0] == "unknown"
    nameless = replace(nic(), uuid="", tap="tap9", state=NicState.UNKNOWN)
    assert second(node(nics=(nic(), nameless)))[0] == "stopped"


def test_of_the_nodes_in_question() -> None:
    elsewhere = instance(node="node3.lab")
    assert list(listed([elsewhere], {}, NODES)) == []


def test_other_modes_are_none_of_ours() -> None:
    one = instance()
    bridged = replace(one, nics=(one.nics[0].but(mode="bridged"),))
    assert list(listed([bridged], {}, NODES)) == []


def test_what_ganeti_does_not_know() -> None:
    strange = nic(instance="", index=0, uuid="", wanted=None, actual=PORT, state=NicState.STOCK)
    found = only(node1=node(nics=(strange,)))
    assert values(found, ("instance", "nic", "vlan", "state")) == {
        "instance": "-", "nic": "0", "vlan": ".100", "state": "stock",
    }  # fmt: skip


def test_one_guest_on_two_nodes() -> None:
    found = list(listed([instance()], {name: node(name) for name in NODES}, NODES))
    assert [one.node for one in found] == [*NODES]


WANTED = PortSettings("br1", "hybrid", ".2:10", 10**7, 10**7, 977 * 1024, 10**6)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"wanted": WANTED},
         {"switch": "br0 (wanted br1)", "port_type": "access (wanted hybrid)",
          "vlan": ".100 (wanted .2:10)", "max_bandwidth": "- (wanted 10M)",
          "max_burst": "- (wanted 1M)"}),
        ({"actual": None},
         {"switch": "- (wanted br0)", "vlan": "- (wanted .100)", "max_bandwidth": "-"}),
        ({"wanted": None}, {"switch": "br0", "vlan": ".100"}),
        ({"wanted": WANTED, "actual": WANTED, "kernel_sends": 9_990_000, "kernel_receives": None},
         {"max_bandwidth": "10M", "max_burst": "1M"}),
        # What the kernel has is what counts.
        ({"wanted": WANTED, "actual": WANTED, "kernel_sends": 0, "kernel_receives": 10**7},
         {"max_bandwidth": "-/10M (wanted 10M)"}),
        ({"learned": (Learned("aa:00:77:00:00:01", 5), Learned("aa:00:77:00:00:01", 6),
                      Learned("aa:00:77:00:00:02", 5))},
         {"learned": "aa:00:77:00:00:01,aa:00:77:00:00:02"}),
        ({}, {"rx": "10", "tx": "20", "drops": "0", "mtu": "1500", "learned": "-"}),
        ({"traffic": None, "mtu": None}, {"rx": "-", "mtu": "-"}),
    ],
)  # fmt: skip
def test_wanted_and_actual(changes: dict[str, Any], shown: dict[str, str]) -> None:
    found = only(node1=node(nics=(nic(**changes),)))
    assert values(found, tuple(shown)) == shown


def test_problems_of_a_nic() -> None:
    of_nic = error("differs", "VLAN .5, not .100", "web1.lab NIC 0 (tap0)")
    found = only(instance(), node1=node("node1.lab", of_nic, error()))
    assert found.problems == ("VLAN .5, not .100",)
    assert not found.as_wanted
    assert not only(instance(), node1=node(nics=(nic(state=NicState.DOWN),))).as_wanted


def test_documented() -> None:
    manual = " ".join((DOCS / "gnt-ovs.8").read_text().split())
    assert " ".join(FIELDS) in manual


class Ganeti(Master):
    """Answers queries as Ganeti's luxid does."""

    def __init__(self, parameters: bool) -> None:
        self._constants: Any = type("Constants", (), {"RS_NORMAL": 0})
        self._client: Any = self
        self._parameters = parameters

    def Query(self, kind: str, fields: list[str], _filter: None) -> Any:
        values = {
            "uuid": "u1", "name": "web1.lab", "pnode": "n1", "admin_state": "up",
            "tags": ["ovs:nic:*:vlan:.5", "x"], "nic.uuids": ["a", "b"], "nic.names": [None, "lan"],
            "nic.macs": ["m0", "m1"], "nic.modes": ["bridged", "openvswitch"],
            "nic.links": ["br9", "br0"], "nic.vlans": [None, ".5"], "nic.networks": [None, "u1"],
        }  # fmt: skip
        if kind == "network":
            values["name"], values["tags"] = "net1", ["t"]
        if self._parameters:
            values |= {"nic.port_types": [None, "trunk"], "nic.max_bandwidths": [None, "5M"],
                       "nic.max_bursts": [None, None]}  # fmt: skip
        row = [(0, values[field]) if field in values else (1, None) for field in fields]
        return type("Answer", (), {"data": [row]})


@pytest.mark.parametrize("parameters", [False, True])
def test_ganeti_is_asked(parameters: bool) -> None:
    ganeti = Ganeti(parameters)
    networks = read_networks(ganeti)
    assert networks == {"u1": Network("net1", ("t",))}
    (found,) = read_instances(ganeti, networks)
    assert (found.name, found.node, found.up) == ("web1.lab", "n1", True)
    assert found.tags == ("ovs:nic:*:vlan:.5", "x")
    (ours,) = found.ours
    assert ours == NicSettings(
        instance="web1.lab", mac="m1", mode="openvswitch", index="1", uuid="b", name="lan",
        tags="ovs:nic:*:vlan:.5 x", link="br0", vlan=".5", network_tags="t",
        port_type="trunk" if parameters else "", max_bandwidth="5M" if parameters else "",
    )  # fmt: skip
    with pytest.raises(Error, match="Ganeti does not say name, colour of every instance"):
        list(ganeti.query("instance", ["name", "colour"]))


def work(nics: int, capsys: pytest.CaptureFixture[str]) -> int:
    """Calls of functions from nodes' lines to the printed list, for so many NICs on two nodes."""
    names = [f"web{number}.lab" for number in range(nics)]
    every = [nic(name, index) for index, name in enumerate(names)]
    texts = [
        answer(node(name, error(subject="x NIC 0 (tap0)"), nics=tuple(every[number::2])))
        for number, name in enumerate(NODES)
    ]
    instances = [
        replace(one, nics=(one.nics[0].but(uuid=every[index].uuid),))
        for index, one in enumerate(map(instance, names))
    ]
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        statuses = {
            name: read_status(json.loads(text)) for name, text in zip(NODES, texts, strict=True)
        }
        found = sorted(listed(instances, statuses, NODES), key=in_list)
        headers = {field: one.title for field, one in FIELDS.items()}
        rows = [values(one, tuple(FIELDS)) for one in found]
        print_table(rows, headers, separator=None, no_headers=False, as_json=False)
    finally:
        sys.setprofile(None)
    assert len(capsys.readouterr().out.splitlines()) == nics + 1
    return calls


def test_the_work_grows_as_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """And a NIC costs less than 1 ms: at 1000 calls it does on any machine."""
    work(20, capsys)  # What is done once.
    few, many = work(100, capsys), work(400, capsys)
    assert many < 4.2 * few
    assert many / 400 < 1000, many / 400
