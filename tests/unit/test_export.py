"""An import that has lost settings of NICs says so, where the export can be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti_ovs.cluster.export import lost_settings, read_export
from ganeti_ovs.cluster.hook import instance_nics
from ganeti_ovs.hooks.after import after
from tests.captured import DIRECTORY, environment

ADD = environment(DIRECTORY / "hooks/instance-add-post.env")
NIC0 = "GANETI_POST_INSTANCE_NIC0"
INI = """
[export]
version = 0
[instance]
nic0_mac = aa:00:00:00:00:01
nic0_network = None
nic0_mode = openvswitch
nic0_link = br0
nic0_vlan = .100
nic1_network = aacb556a-5d30-4b00-bac3-4393c456d013
nic1_vlan = .999
nic2_network = None
nic2_mode = bridged
nic2_link = br9
nic2_vlan = None
"""
BEHIND = "which gnt-backup import does not keep: gnt-instance modify --net"
BRIDGED = (
    "inst1.lab, NIC 2: has mode openvswitch, link br0, and in the export mode bridged, link br9,"
    f" {BEHIND} 2:mode=bridged,link=br9 inst1.lab"
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Of the hook on a node with the export, which is not the master."""
    (tmp_path / "config.ini").write_text(INI)
    return {
        **ADD,
        "GANETI_ADD_MODE": "import",
        "GANETI_SRC_PATH": str(tmp_path),
        "GANETI_SRC_NODE": "node3.lab",
        f"{NIC0}_VLAN": ".100",
        "LOCALSTATEDIR": str(tmp_path),
        "OVS_RUNDIR": str(tmp_path),
    }


def on_master(environ: dict[str, str]) -> None:
    directory = Path(environ["LOCALSTATEDIR"], "lib/ganeti")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "ssconf_master_node").write_text(os.uname().nodename)


@pytest.mark.parametrize(
    ("lost", "has", "had"),
    [
        ({"VLAN": ""}, "vlan none", "vlan .100"),
        ({"MODE": "bridged"}, "mode bridged", "mode openvswitch"),
        ({"LINK": "br9"}, "link br9", "link br0"),
        ({"MODE": "bridged", "LINK": "br9", "VLAN": ""},
         "mode bridged, link br9, vlan none", "mode openvswitch, link br0, vlan .100"),
    ],
)  # fmt: skip
def test_what_is_lost(lost: dict[str, str], has: str, had: str, environ: dict[str, str]) -> None:
    """As Ganeti 3.0 and 3.1 lose it; the command makes all of it as it was."""
    environ |= {f"{NIC0}_{name}": text for name, text in lost.items()}
    assert after("instance-add", environ) == [
        f"warning: inst1.lab, NIC 0: has {has}, and in the export {had}, {BEHIND}"
        " 0:mode=openvswitch,link=br0,vlan=.100 inst1.lab",
        f"warning: {BRIDGED}",
    ]
    assert after("instance-add", {**environ, "GANETI_ADD_MODE": "create"}) == []


def test_only_what_open_vswitch_has_to_do_with(environ: dict[str, str]) -> None:
    """And nothing of a NIC in a network, which has that one's."""
    assert after("instance-add", environ) == [f"warning: {BRIDGED}"]
    environ["GANETI_POST_INSTANCE_NIC2_MODE"] = "bridged"
    assert after("instance-add", environ) == []


def test_text_of_an_export_is_quoted(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(INI.replace("nic0_link = br0", "nic0_link = b;r \x1b[0m"))
    line = after("instance-add", environ)[0]
    assert " --net '0:mode=openvswitch,link=b;r \\x1b[0m,vlan=.100' inst1.lab" in line


def test_an_export_elsewhere(environ: dict[str, str]) -> None:
    """Only the master says that nobody has looked, and only if nobody has."""
    environ["GANETI_SRC_PATH"] = "/nowhere"
    assert after("instance-add", environ) == []
    on_master(environ)
    assert after("instance-add", environ) == [
        "warning: inst1.lab: its NICs were not compared with the export on node3.lab, as gnt-backup"
        " import may lose their mode, link and VLAN"
    ]
    environ["GANETI_SRC_NODE"] = environ["GANETI_INSTANCE_PRIMARY"]
    assert after("instance-add", environ) == []


def test_tags_by_uuids_that_nics_had_before(environ: dict[str, str]) -> None:
    tags = [
        f"ovs:nic:{'7' * 8}-1111-2222-3333-{'7' * 12}:{one}" for one in ("vlan:", "max_burst:2M")
    ]
    mine = f"ovs:nic:{environ[f'{NIC0}_UUID']}:max_burst:2M"
    environ["GANETI_POST_INSTANCE_TAGS"] = " ".join(["ovs:nic:7:vlan:.5", mine, *tags, "other"])
    environ["GANETI_SRC_NODE"] = environ["GANETI_INSTANCE_PRIMARY"]
    assert after("instance-add", environ) == [f"warning: {BRIDGED}"]
    on_master(environ)
    assert after("instance-add", environ)[1:] == [
        f"warning: inst1.lab: tag {tag} means nobody, as gnt-backup import gives NICs new UUIDs:"
        f" gnt-ovs modify-nic inst1.lab NIC {option}; gnt-instance remove-tags inst1.lab {tag}"
        for tag, option in zip(tags, ("--vlan none", "--max-burst 2M"), strict=True)
    ]


@pytest.mark.parametrize("text", ["", "nic0_vlan = .1", "[instance", "[instance]\nnic0_vlan", "\0"])
def test_a_broken_export(text: str, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(text)
    assert read_export(environ) is None
    assert read_export({}) is None
    (tmp_path / "config.ini").write_text("[instance]\n")
    export = read_export(environ)
    assert export is not None
    assert [*lost_settings(export, instance_nics(environ))] == []
