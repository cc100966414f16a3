"""Names and addresses that come from Ganeti, checked before anything uses them.

All of them end up in OVSDB and in messages, some in file names, so the sets of
characters are small. No `re`: compiling patterns costs more than these loops.
"""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput, quoted

_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdef")
_ALNUM = _DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_INTERFACE = _ALNUM | frozenset("._-+@")
_INSTANCE = _ALNUM | frozenset("._-")

IFNAMSIZ = 15
"""Bytes in the name of a Linux network interface (linux/if.h, less the final NUL)."""


def interface_name(text: str, what: str) -> str:
    """`text` if it can be the name of a network interface, as taps and vSwitches are.

    Stricter than the kernel, which takes all but `/`, `:` and white space:
    letters, digits and `._-+@`, at most 15, not `.` or `..`, no leading `-`.
    `what` names the value in the BadInput that is raised otherwise.
    """
    if not text:
        raise BadInput(f"{what} is empty")
    if len(text) > IFNAMSIZ:
        raise BadInput(f"{what} {quoted(text)} is longer than {IFNAMSIZ} characters")
    if not _INTERFACE.issuperset(text) or text in (".", "..") or text[0] == "-":
        raise BadInput(
            f"{what} {quoted(text)} is no interface name:"
            " letters, digits and ._-+@ only, not beginning with -"
        )
    return text


def instance_name(text: str) -> str:
    """`text` if it can be an instance's name (a host name), else BadInput."""
    if not text or len(text) > 255 or not _INSTANCE.issuperset(text) or text[0] in "._-":
        raise BadInput(f"INSTANCE {quoted(text)} is no instance name")
    return text


def decimal(text: str, what: str, digits: int) -> int:
    """The number in `text`: ASCII digits only, at most `digits` of them, else BadInput."""
    if not text or len(text) > digits or not _DIGITS.issuperset(text):
        raise BadInput(f"{what} {quoted(text)} is no number")
    return int(text)


def mac_address(text: str) -> str:
    """A station's MAC address as six hexadecimal pairs, in lower case."""
    pairs = text.lower().split(":")
    if len(pairs) != 6 or not all(len(p) == 2 and _HEX.issuperset(p) for p in pairs):
        raise BadInput(f"MAC {quoted(text)} is no MAC address (aa:bb:cc:dd:ee:ff)")
    if int(pairs[0], 16) & 1:
        raise BadInput(f"MAC {quoted(text)} is the address of a group, not of one station")
    return ":".join(pairs)


def nic_uuid(text: str) -> str:
    """A UUID in its 8-4-4-4-12 form, in lower case."""
    parts = text.lower().split("-")
    if [len(p) for p in parts] != [8, 4, 4, 4, 12] or not all(map(_HEX.issuperset, parts)):
        raise BadInput(f"INTERFACE_UUID {quoted(text)} is no UUID")
    return "-".join(parts)
