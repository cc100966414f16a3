"""gnt-ovs modify-nic on a Ganeti that has all settings as NIC parameters."""

from __future__ import annotations

from tests.cluster.lab import Cluster
from tests.cluster.test_switches import ovs
from tests.patched.guests import Guests


def test_all_settings_are_parameters(cluster: Cluster, guests: Guests) -> None:
    guests.add("a.lab", "vlan=100", ".100", node=2)
    cluster.gnt("instance", "add-tags", "a.lab", "ovs:nic:0:max_bandwidth:9M", "prod")

    def modify(*arguments: str) -> str:
        out = ovs(cluster, "modify-nic", "a", "0", *arguments)
        assert out.endswith("a.lab, NIC 0: in effect on node2.lab\n")
        return out

    out = modify("--vlan", ":10:20", "--port-type", "trunk", "--max-bandwidth", "50M")
    assert "max_bandwidth 9M -> 50M (parameter of the NIC)\n" in out
    assert "removed tag ovs:nic:0:max_bandwidth:9M" in out
    guests.expect("a.lab", ":10:20", 50_000_000, node=2)
    params = guests.params("a.lab")
    assert (params["port_type"], params["max_bandwidth"], params["vlan"]) == (
        "trunk", "50M", ":10:20",
    )  # fmt: skip
    assert cluster.gnt("instance", "list-tags", "a.lab").split() == ["prod"]
    modify("--reset", "port-type", "--vlan", ".200", "--max-bandwidth", "0")
    guests.expect("a.lab", ".200", node=2)
    assert "port_type" not in guests.params("a.lab")
    modify("--reset", "max-bandwidth", "--reset", "vlan")
    guests.expect("a.lab", "", node=2)
    assert guests.params("a.lab").keys() <= {"mode", "link", "vlan"}
    assert "as before" in modify("--reset", "max-bandwidth", "--reset", "vlan")
