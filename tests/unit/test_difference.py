"""Differences as people see them."""

from __future__ import annotations

import click
import pytest

from ganeti_ovs.cli.difference import shown

RED, GREEN, END = "\x1b[31m", "\x1b[32m", "\x1b[0m"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("br0: made", f"{GREEN}+ br0: made{END}"),
        ("br0: uplink e1 added to bond-br0", f"{GREEN}+ br0: uplink e1 added to bond-br0{END}"),
        ("br0: port e0 removed", f"{RED}- br0: port e0 removed{END}"),
        (
            "br0: uplink e0 removed from bond-br0",
            f"{RED}- br0: uplink e0 removed from bond-br0{END}",
        ),
        (
            "br0: bond-br0: trunks 10 20 -> 10 30",
            f"~ br0: bond-br0: trunks {RED}10 20{END} -> {GREEN}10 30{END}",
        ),
        ("br0: mtu unset -> 1400", f"~ br0: mtu {RED}unset{END} -> {GREEN}1400{END}"),
    ],
)
def test_lines(line: str, wanted: str) -> None:
    assert shown(line) == wanted
    assert click.unstyle(shown(line))[2:] == line
