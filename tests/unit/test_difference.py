"""Differences as people see them."""

from __future__ import annotations

import pytest

from ganeti_ovs.cli.difference import shown
from ganeti_ovs.plan.changes import Change, Kind, from_text

RED, GREEN, END = "\x1b[31m", "\x1b[32m", "\x1b[0m"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (Change(Kind.MADE, "br0"), f"{GREEN}+ br0: made{END}"),
        (Change(Kind.ADOPTED, "br0"), f"{GREEN}+ br0: adopted{END}"),
        (
            Change(Kind.REMOVED, "br0", names=("tap0 (inst1.lab, NIC 0)", "vxlan0")),
            f"{RED}- br0: removed; cut tap0 (inst1.lab, NIC 0); cut vxlan0{END}",
        ),
        (
            Change(Kind.UPLINK_ADDED, "br0", "e1", new="bond-br0"),
            f"{GREEN}+ br0: uplink e1 added to bond-br0{END}",
        ),
        (Change(Kind.PORT_REMOVED, "br0", "e0"), f"{RED}- br0: port e0 removed{END}"),
        (
            Change(Kind.UPLINK_REMOVED, "br0", "e0", old="bond-br0"),
            f"{RED}- br0: uplink e0 removed from bond-br0{END}",
        ),
        (
            Change(Kind.PORT_MOVED, "br0", "e0", old="br1"),
            f"{GREEN}+ br0: port e0 moved here from br1{END}",
        ),
        (
            Change(Kind.SET, "br0", "bond-br0", "trunks", "10 20", "10 30"),
            f"~ br0: bond-br0: trunks {RED}10 20{END} -> {GREEN}10 30{END}",
        ),
        (
            Change(Kind.SET, "br0", "", "mtu", "unset", "1400"),
            f"~ br0: mtu {RED}unset{END} -> {GREEN}1400{END}",
        ),
        # Names and values are anybody's: what they say is nothing of the change.
        (
            Change(Kind.UPLINK_ADDED, "br0", "removed", new="bond-br0"),
            f"{GREEN}+ br0: uplink removed added to bond-br0{END}",
        ),
        (
            Change(Kind.PORT_MADE, "br0", "x", names=("is removed", "a -> b")),
            f"{GREEN}+ br0: uplink is removed and a -> b as port x{END}",
        ),
        (
            Change(Kind.PORT_REMOVED, "br0", "a -> b"),
            f"{RED}- br0: port a -> b removed{END}",
        ),
        (
            Change(Kind.SET, "br0", "x", "bond_primary", "a -> b", "{c}"),
            f"~ br0: x: bond_primary {RED}a -> b{END} -> {GREEN}{{c}}{END}",
        ),
        # Nobody guesses what an older version's words are.
        (from_text("br0: port e0 removed"), "~ br0: port e0 removed"),
    ],
)
def test_lines(change: Change, wanted: str) -> None:
    assert shown(change) == wanted
