"""What ovs-ofctl says of ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.rows import KINDS, Tables
from ganeti_ovs.node import floods
from ganeti_ovs.ovsdb.openflow import OpenFlow, flooded_ports

if TYPE_CHECKING:
    from ganeti_ovs.ovsdb.client import Client
    from ganeti_ovs.ovsdb.session import Session

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


class Client_:
    path = "/run/db.sock"


CLIENT = Client_()


@pytest.mark.parametrize(
    ("failing", "asked", "words"),
    [
        ({1}, ["no-flood", "flood"], "call 1 failed"),
        ({2}, ["no-flood", "flood", "flood"], ""),
        ({1, 2}, ["no-flood", "flood", "flood"], "call 1 failed"),
        (
            {2, 3},
            ["no-flood", "flood", "flood"],
            "call 3 failed; port 7 is without broadcasts: ovs-ofctl -O OpenFlow10 mod-port br0 7"
            " flood",
        ),
    ],
)
def test_a_port_is_not_left_without(
    failing: set[int], asked: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails, it is told to get broadcasts at the end."""
    said: list[str] = []

    def ask(_switch: OpenFlow, _command: str, _number: str, what: str) -> str:
        said.append(what)
        if len(said) in failing:
            raise Error(f"call {len(said)} failed")
        return ""

    monkeypatch.setattr(OpenFlow, "_ask", ask)
    switch = OpenFlow(cast("Client", CLIENT), "br0")
    if words:
        with pytest.raises(Error) as caught:
            switch.flood_again("7")
        assert str(caught.value) == words
    else:
        switch.flood_again("7")
    assert said == asked


def test_many_ports_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The master waits: what is not done is said."""
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(floods, "monotonic", lambda: next(clock))
    monkeypatch.setattr(OpenFlow, "_ask", lambda *_what: SAID)
    nothing = Tables({table: {} for table in KINDS})
    with pytest.raises(floods.Blocked) as caught:
        floods.flood_again(cast("Session", CLIENT), ["br0"], nothing)
    assert str(caught.value) == (
        "br0: its ports may get no broadcasts until ovs-vswitchd is restarted:"
        " 1 of 2 ports not done in 20 s"
    )
