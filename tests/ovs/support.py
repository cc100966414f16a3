"""Words the tests of this tier share."""

from __future__ import annotations

from typing import Any

from ganeti_ovs.model import plug
from tests.captured import ACCESS
from tests.testbed.openvswitch import OpenVSwitch

TABLES = ("Bridge", "Port", "Interface", "QoS", "Queue")
# Columns that vswitchd writes; all others are somebody's wish.
_STATUS = {
    "admin_state", "bfd_status", "bond_active_slave", "cfm_fault", "cfm_fault_status",
    "cfm_flap_count", "cfm_health", "cfm_remote_mpids", "cfm_remote_opstate", "datapath_id",
    "datapath_version", "duplex", "error", "ifindex", "lacp_current", "link_resets", "link_speed",
    "link_state", "mac_in_use", "mtu", "ofport", "rstp_statistics", "rstp_status", "statistics",
    "status",
}  # fmt: skip

UNPOLICED = (
    "ganeti-ovs: inst1.lab, NIC {} (tap{} on vSwitch br0): warning: max_bandwidth holds only for"
    " what the guest receives: br0 uses the userspace datapath, which cannot police\n"
)
"""What is said of a limit here; to be formatted with the NIC's index and the tap's number."""


def said(stderr: str) -> str:
    """What a script said besides that the datapath of these tests cannot police."""
    return "".join(
        line for line in stderr.splitlines(keepends=True) if "which cannot police" not in line
    )


def environ(ovs: OpenVSwitch, tap: str = "tap0", **changes: str) -> dict[str, str]:
    """The environment of a call for `tap`, on this Open vSwitch."""
    return {**ACCESS, **ovs.environ, "INTERFACE": tap, **changes}


def port(ovs: OpenVSwitch, name: str) -> dict[str, Any]:
    """The Port row with its only Interface, its QoS and queue 0 in place of their UUIDs."""
    (row,) = (row for row in ovs.rows("Port") if row["name"] == name)
    (row["interface"],) = (i for i in ovs.rows("Interface") if i["_uuid"] in row["interfaces"])
    qos = [q for q in ovs.rows("QoS") if q["_uuid"] in row["qos"]]
    if qos:
        row["qos"] = qos[0]
        (row["queue"],) = (q for q in ovs.rows("Queue") if q["_uuid"] == qos[0]["queues"][0])
    (row["bridge"],) = (b["name"] for b in ovs.rows("Bridge") if row["_uuid"] in b["ports"])
    return row


def wanted(ovs: OpenVSwitch) -> dict[str, list[str]]:
    """All that is configured, without row UUIDs and status: equal means unchanged."""
    from tests.testbed.reader import read

    tables = read(str(ovs.socket))
    names = {
        row["_uuid"]: f"{table}:{row.get('name', row.get('other_config'))}"
        for table in TABLES
        for row in tables[table]
    }
    return {
        table: sorted(
            repr({k: _named(v, names) for k, v in row.items() if k not in {*_STATUS, "_uuid"}})
            for row in tables[table]
        )
        for table in TABLES
    }


def _named(value: Any, names: dict[Any, str]) -> Any:
    if isinstance(value, list):
        return sorted(str(names.get(one, one)) for one in value)
    if isinstance(value, dict):
        # The plug tells when a port was made, too.
        return {k: names.get(one, one) for k, one in sorted(value.items()) if k != plug.KEY}
    return names.get(value, value)
