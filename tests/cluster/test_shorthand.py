"""Debian's own packages with the Python-only patches, put on and taken off a running cluster.

The tests of this file build on each other and run in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster
from tests.cluster.test_life import booted

pytestmark = pytest.mark.rest

APPLY = "/usr/lib/ganeti-ovs/patches/apply-installed"
GUESTS: dict[str, Guest] = {}
MODES = ["mode=trunk,vlan=100", "mode=hybrid,vlan=2:10:20", "mode=access,vlan=100", "mode=access"]


def ganeti(cluster: Cluster) -> list[str]:
    """Every file of Ganeti on each node, compiled ones too, with owner, mode and time; and what
    dpkg thinks of them."""
    return cluster.on_all(
        "sh", "-ec",
        f"""cd /usr/share/ganeti
        find . -type f -exec md5sum {{}} + | sort -k 2
        find . -printf '%p %u %g %m %y %l\\n' | sort
        find . -type f -printf '%p %T@ %n\\n' | sort
        dpkg-divert --list
        dpkg --verify ganeti-{cluster.version}""",
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def patched(cluster: Cluster) -> Iterator[list[str]]:
    """The patches on all nodes; then nothing stays, and Ganeti is byte for byte as before."""
    before = ganeti(cluster)
    for said in cluster.on_all(APPLY):
        assert "files patched: 6" in said
    assert all(found != stock for found, stock in zip(ganeti(cluster), before, strict=True))
    yield before
    for name in list(GUESTS):
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name, check=False)
        GUESTS.pop(name)
    cluster.on_all(APPLY, "--revert")
    assert ganeti(cluster) == before
    check(cluster, GUESTS)


def add(cluster: Cluster, *arguments: str, check: bool = True) -> str:
    return cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "noop", "--no-name-check", "--no-ip-check",
        *arguments, check=check,
    )  # fmt: skip


def nics(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    """The own parameters of an instance's NICs, as Ganeti keeps them."""
    config = json.loads(cluster.master.run("cat", "/var/lib/ganeti/config.data").stdout)
    (found,) = (one for one in config["instances"].values() if one["name"] == name)
    return [nic["nicparams"] for nic in found["nics"]]


def test_add(cluster: Cluster) -> None:
    """The commands of the wish, as they stand there."""
    kernel = ("-H", "kvm:kernel_args=quiet panic=1 lab.ip=eth0:10.0.0.1/24")
    add(cluster, *kernel, "--net", "0:vlan=100,mode=trunk", "-n", "node1.lab", "one.lab")
    GUESTS["one.lab"] = Guest(1, [":100"])
    check(cluster, GUESTS)
    options = [part for index, nic in enumerate(MODES) for part in ("--net", f"{index}:{nic}")]
    add(cluster, *options, "-n", "node2.lab", "four.lab")
    GUESTS["four.lab"] = Guest(2, [":100", ".2:10:20", ".100", ""])
    check(cluster, GUESTS)
    assert nics(cluster, "four.lab") == [
        {"mode": "openvswitch", "vlan": ":100"},
        {"mode": "openvswitch", "vlan": ".2:10:20"},
        {"mode": "openvswitch", "vlan": ".100"},
        {"mode": "openvswitch"},
    ]


def test_bulk(cluster: Cluster) -> None:
    """Where an allocator chooses the nodes, NICs are computed before the instances' own jobs."""
    wanted = {
        "mode": "create", "instance_name": "bulk.lab", "os_type": "noop", "start": True,
        "hypervisor": "kvm", "beparams": {"memory": 128, "vcpus": 1},
        "disk_template": "diskless", "disks": [],
        "name_check": False, "ip_check": False, "nics": [{"mode": "hybrid", "vlan": "2:10:20"}],
    }  # fmt: skip
    file = "/root/bulk.json"
    cluster.master.run("sh", "-c", f"cat >{file}", stdin=json.dumps([wanted]))
    cluster.gnt("instance", "batch-create", "--iallocator", "hail", file)
    node = cluster.gnt("instance", "list", "--no-headers", "-o", "pnode", "bulk.lab").strip()
    GUESTS["bulk.lab"] = Guest(int(node[4]), [".2:10:20"])
    check(cluster, GUESTS)
    cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", "bulk.lab")
    GUESTS.pop("bulk.lab")


@pytest.mark.parametrize(
    ("change", "vlan"),
    [
        ("mode=hybrid,vlan=2:20:10", ".2:10:20"),
        ("mode=access,vlan=.100", ".100"),
        ("vlan=:20:10", ":10:20"),
        ("mode=trunk", ":10:20"),
        ("mode=trunk,vlan=100", ":100"),
        ("vlan=none", ""),
        ("vlan=100", ".100"),
        ("mode=access,vlan=default", ""),
    ],
)
def test_modify(change: str, vlan: str, cluster: Cluster) -> None:
    """Of a running guest; the port is right at once, nothing is unplugged."""
    before = [row["ofport"] for row in cluster.rows(1)["Interface"]]
    cluster.modify("one.lab", f"0:{change}")
    GUESTS["one.lab"].vlans = [vlan]
    check(cluster, GUESTS)
    assert [row["ofport"] for row in cluster.rows(1)["Interface"]] == before
    assert nics(cluster, "one.lab")[0]["vlan"] == vlan
    assert nics(cluster, "one.lab")[0]["mode"] == "openvswitch"


def test_hotplug(cluster: Cluster) -> None:
    booted(cluster, 1, "one.lab")  # what is unplugged, the guest must let go
    cluster.modify("one.lab", "0:mode=hybrid,vlan=2:10:20", hot=True)
    GUESTS["one.lab"].vlans = [".2:10:20"]
    check(cluster, GUESTS)
    cluster.modify("one.lab", "add:mode=trunk,vlan=20:10", hot=True)
    GUESTS["one.lab"].vlans = [".2:10:20", ":10:20"]
    check(cluster, GUESTS)
    cluster.modify("one.lab", "1:remove", hot=True)
    GUESTS["one.lab"].vlans = [".2:10:20"]
    check(cluster, GUESTS)


REFUSED = [
    ("mode=trunk,vlan=9999", "':9999'"),
    ("mode=access,vlan=0", "VLAN IDs are 1-4094"),
    ("vlan=4095", "VLAN IDs are 1-4094"),
    ("vlan=:10:10", "VLAN 10 stands there twice"),
    ("mode=hybrid,vlan=2:2", "VLAN 2 stands there twice"),
    ("vlan=ten", "'ten'"),
    ("mode=access,vlan=10:20", "NIC/0: mode=access takes one VLAN (vlan=100) or none"),
    ("mode=hybrid,vlan=10", "NIC/0: mode=hybrid takes an untagged VLAN and tagged ones"),
    ("mode=trunk,vlan=.10", "NIC/0: mode=trunk takes tagged VLANs (vlan=10:20), but there is"),
    ("mode=trunk,vlan=", "mode=openvswitch without vlan and the instance tag"),
    ("mode=both,vlan=10", "Invalid NIC mode 'both'"),
    ("max_bandwidth=100M", "tag ovs:nic:0:max_bandwidth:100M"),
    ("port_type=trunk", "tag ovs:nic:0:port_type:trunk"),
    ("mode=trunk,max_burst=8M", "tag ovs:nic:0:max_burst:8M"),
]


@pytest.mark.parametrize("command", ["add", "modify"])
def test_refused(command: str, cluster: Cluster) -> None:
    """The commands take turns; of each kind, both have one. tests/patches asks what they call."""
    was = nics(cluster, "one.lab")
    for nic, message in REFUSED[command == "modify" :: 2]:
        if command == "add":
            said = add(cluster, "--net", f"0:{nic}", "-n", "node3.lab", "bad.lab", check=False)
        else:
            said = cluster.modify("one.lab", f"0:{nic}", check=False)
        assert message in " ".join(said.split()), nic
        assert "Traceback" not in said
        assert nics(cluster, "one.lab") == was, nic
        assert "bad.lab" not in {one["name"] for one in cluster.config()["instances"].values()}
    check(cluster, GUESTS)


def test_trunk_of_all_vlans_as_the_error_says(cluster: Cluster) -> None:
    said = add(cluster, "--net", "0:mode=trunk", "-n", "node3.lab", "all.lab", check=False)
    tag = "ovs:nic:0:port_type:trunk"
    assert f"mode=openvswitch without vlan and the instance tag {tag}" in " ".join(said.split())
    nic = ("--net", "0:mode=openvswitch", "--tags", tag)
    add(cluster, *nic, "-n", "node3.lab", "all.lab")
    try:
        (port,) = (one for one in cluster.rows(3)["Port"] if one["name"].startswith("tap"))
        assert (port["vlan_mode"], port["tag"], port["trunks"]) == (["trunk"], [], [])
    finally:
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", "all.lab")


# NOTE: rapi/users is read when it changes, after some seconds at most.
_RAPI = """
import base64, json, ssl, sys, time, urllib.request
context = ssl._create_unverified_context()
headers = {"Content-Type": "application/json",
           "Authorization": "Basic " + base64.b64encode(b"lab:secret").decode()}
def call(method, path, body=None):
    request = urllib.request.Request(
        "https://localhost:5080" + path, body and json.dumps(body).encode(), headers, method=method)
    return json.load(urllib.request.urlopen(request, context=context, timeout=20))
job = call("PUT", "/2/instances/one.lab/modify", json.loads(sys.argv[1]))
while (status := call("GET", f"/2/jobs/{job}"))["status"] not in ("success", "error"):
    time.sleep(0.2)
print(status["status"], status["opresult"])
"""


def test_rapi(cluster: Cluster) -> None:
    """The check is where all clients pass."""
    users = "/var/lib/ganeti/rapi/users"
    cluster.master.run("sh", "-ec", f"cat >{users}; chmod 644 {users}", stdin="lab secret write\n")

    def modify(nic: dict[str, str]) -> str:
        body = json.dumps({"nics": [["modify", 0, nic]]})
        return cluster.master.run("python3", "-", body, stdin=_RAPI).stdout

    try:
        assert modify({"mode": "trunk", "vlan": "100"}).startswith("success")
        GUESTS["one.lab"].vlans = [":100"]
        check(cluster, GUESTS)
        assert "takes one VLAN" in modify({"mode": "access", "vlan": "10:20"})
        check(cluster, GUESTS)
    finally:
        cluster.master.run("rm", users)


def test_switch_commands(cluster: Cluster) -> None:
    """gnt-network runs gnt-ovs: arguments and exit code pass through."""

    def both(*arguments: str) -> tuple[int, str]:
        one, other = (
            cluster.master.run(program, *arguments, check=False)
            for program in ("gnt-network", "gnt-ovs")
        )
        assert (one.returncode, one.stdout, one.stderr) == (
            other.returncode, other.stdout, other.stderr,
        )  # fmt: skip
        return one.returncode, one.stdout + one.stderr

    new = ("br-short", "--datapath-type", "netdev", "--mtu", "1400")
    cluster.gnt("network", "add-switch", *new)
    try:
        assert both("list-switches", "--no-headers", "-o", "name,mtu") == (0, "br-short 1400\n")
        assert "br-short" in both("info-switch", "br-short")[1]
        assert both("add-switch", *new)[0] == 1
        assert "--uplink" in both("modify-switch", "--help")[1]
        assert both("list-switches", "--nonsense")[0] == 2
        cluster.gnt("network", "modify-switch", "br-short", "--mtu", "1300")
        assert both("list-switches", "--no-headers", "-o", "mtu") == (0, "1300\n")
    finally:
        cluster.gnt("network", "remove-switch", "br-short")
    assert both("list-switches", "--no-headers") == (0, "")
    assert "list-switches" in cluster.gnt("network", "--help")
    assert cluster.gnt("network", "list", "--no-headers") == ""


def test_switch_commands_without_ganeti_ovs(cluster: Cluster) -> None:
    program = cluster.master.run("which", "gnt-ovs").stdout.strip()
    cluster.master.run("mv", program, f"{program}.away")
    try:
        done = cluster.master.run("gnt-network", "list-switches", "--help", check=False)
    finally:
        cluster.master.run("mv", f"{program}.away", program)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "gnt-network list-switches needs ganeti-ovs, but gnt-ovs cannot be run:"
        " No such file or directory\n"
    )


def test_reverted(patched: list[str], cluster: Cluster) -> None:
    """While guests run; what was made by the short-hand goes on."""
    assert all("patched already" in said for said in cluster.on_all(APPLY))
    assert all("files brought back: 6" in one for one in cluster.on_all(APPLY, "--revert"))
    assert ganeti(cluster) == patched
    said = cluster.modify("one.lab", "0:mode=trunk", check=False)
    assert "Invalid NIC mode" in said
    cluster.gnt("instance", "reboot", "--shutdown-timeout=0", "one.lab")
    check(cluster, GUESTS)
    for guest in ("one.lab", "four.lab"):
        cluster.modify(guest, "0:link=br0")
    check(cluster, GUESTS)
