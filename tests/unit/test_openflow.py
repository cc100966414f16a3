"""What ovs-ofctl says of ports."""

from __future__ import annotations

from ganeti_ovs.ovsdb.openflow import flooded_ports

SAID = """\
OFPST_PORT_DESC reply (xid=0x4):
 1(e0): addr:aa:55:aa:55:00:01
     config:     0
     state:      LIVE
     current:    10MB-FD COPPER
     speed: 10 Mbps now, 0 Mbps max
 2("tap 1"): addr:aa:55:aa:55:00:02
     config:     NO_STP NO_FLOOD
     state:      STP_FORWARD
     speed: 0 Mbps now, 0 Mbps max
 7("3tap"): addr:aa:55:aa:55:00:03
     config:     PORT_DOWN
     state:      LINK_DOWN
 LOCAL(br0): addr:aa:55:aa:55:00:00
     config:     0
     state:      LIVE
"""


def test_ports_that_get_broadcasts() -> None:
    assert flooded_ports(SAID) == {"e0": "1", "3tap": "7"}
    assert flooded_ports("") == {}
