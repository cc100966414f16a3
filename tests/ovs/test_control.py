"""ovs-vswitchd's control socket: what it answers, refuses, and does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ganeti_ovs.model.errors import Error
from ganeti_ovs.ovsdb import unixctl
from ganeti_ovs.ovsdb.control import control_socket
from ganeti_ovs.ovsdb.session import Session
from tests.testbed.openvswitch import OpenVSwitch


@pytest.fixture
def session(ovs: OpenVSwitch) -> Iterator[Session]:
    with Session(str(ovs.socket), "", 10.0) as session:
        yield session


def test_answers(session: Session) -> None:
    with control_socket(session) as vswitchd:
        assert vswitchd.ask("fdb/show", "br0").split() == ["port", "VLAN", "MAC", "Age"]
        # Longer than what is read at once.
        assert len(vswitchd.ask("list-commands")) > 4096
        assert "br1" in vswitchd.ask("dpif/show")


def test_refuses(session: Session) -> None:
    with control_socket(session) as vswitchd:
        with pytest.raises(Error, match=r"^ovs-vswitchd refuses fdb/show: no such bridge$"):
            vswitchd.ask("fdb/show", "br9")
        assert vswitchd.ask("version")


def test_hangs(session: Session, ovs: OpenVSwitch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unixctl, "_LIMIT", 0.3)
    with control_socket(session) as vswitchd:
        ovs.freeze_vswitchd(True)
        try:
            with pytest.raises(Error, match=r"ovs-vswitchd does not answer at .*: .*timed out"):
                vswitchd.ask("version")
        finally:
            ovs.freeze_vswitchd(False)


def test_is_gone(session: Session, ovs: OpenVSwitch) -> None:
    with control_socket(session) as vswitchd:
        ovs.stop_vswitchd()
        with pytest.raises(Error, match=r"ovs-vswitchd does not answer at "):
            vswitchd.ask("version")
    with pytest.raises(Error, match=r"no control socket|does not answer at .*: Connection refused"):
        control_socket(session)
