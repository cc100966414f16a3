"""Environments of Ganeti's network script, captured on a real three-node cluster."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent / "captures"


def environment(path: Path) -> dict[str, str]:
    """The variables of one call."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


CAPTURED = {path.stem: environment(path) for path in sorted(DIRECTORY.glob("*.env"))}
"""Every call, by its number, node, instance and tap."""

ACCESS = CAPTURED["01-node1-inst1.lab-tap0"]
"""A NIC with a name, VLAN .100, tags, no network: the base of made-up environments."""
