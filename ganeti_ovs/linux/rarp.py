"""Frames that tell physical switches where a station is: gratuitous RARPs."""

from __future__ import annotations

from socket import AF_PACKET, SOCK_RAW, socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def announce_from(device: str, stations: Iterable[tuple[str, int]], trunks: Sequence[int]) -> None:
    """A gratuitous RARP of each station, as Open vSwitch's own learning packets are."""
    raw = socket(AF_PACKET, SOCK_RAW)
    try:
        raw.bind((device, 0))
        for mac, vlan in stations:
            if not trunks or vlan in trunks:
                raw.send(rarp(bytes.fromhex(mac.replace(":", "")), vlan))
    finally:
        raw.close()


def rarp(mac: bytes, vlan: int) -> bytes:
    """A broadcast frame from `mac` that asks nobody for anything (RFC 903), 60 bytes or more."""
    tag = b"\x81\x00" + vlan.to_bytes(2, "big") if vlan else b""
    head = b"\x80\x35" + b"\x00\x01\x08\x00\x06\x04\x00\x03"
    frame = b"\xff" * 6 + mac + tag + head + mac + bytes(4) + mac + bytes(4)
    return frame.ljust(60 + len(tag), b"\x00")
