"""An import that has lost VLANs says so, where the export can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti_ovs.cluster.export import lost_vlans
from ganeti_ovs.cluster.hook import instance_nics
from ganeti_ovs.hooks.after import after
from tests.captured import DIRECTORY, environment

ADD = environment(DIRECTORY / "hooks/instance-add-post.env")
VLAN = "GANETI_POST_INSTANCE_NIC0_VLAN"
INI = """
[export]
version = 0
[instance]
nic0_mac = aa:00:00:00:00:01
nic0_network = None
nic0_vlan = .100
nic1_network = None
nic1_vlan = None
"""


def test_vlan_that_is_lost(tmp_path: Path) -> None:
    """As Ganeti 3.0 and 3.1 lose it, whatever the import's own NICs are then."""
    (tmp_path / "config.ini").write_text(INI)
    environ = {
        **ADD,
        "GANETI_ADD_MODE": "import",
        "GANETI_SRC_PATH": str(tmp_path),
        VLAN: "",
        "LOCALSTATEDIR": str(tmp_path),
        "OVS_RUNDIR": str(tmp_path),
    }
    line = (
        "inst1.lab, NIC 0: has no VLAN, and VLAN .100 in the export, which gnt-backup import does"
        " not keep: gnt-instance modify --net 0:mode=openvswitch,vlan=.100 inst1.lab"
    )
    assert [*lost_vlans(environ, instance_nics(environ))] == [line]
    assert after("instance-add", environ) == [f"warning: {line}"]
    environ[VLAN] = ".100"
    assert after("instance-add", environ) == []
    assert after("instance-add", {**environ, "GANETI_ADD_MODE": "create"}) == []


@pytest.mark.parametrize("text", ["", "nic0_vlan = .1", "[instance", "[instance]\nnic0_vlan", "\0"])
def test_a_broken_export(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(text)
    environ = {**ADD, "GANETI_SRC_PATH": str(tmp_path), VLAN: ""}
    assert [*lost_vlans(environ, instance_nics(environ))] == []
    assert [*lost_vlans({**environ, "GANETI_SRC_PATH": "/nowhere"}, instance_nics(environ))] == []
