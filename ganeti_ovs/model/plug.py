"""One plugging-in of a NIC: names of taps are used anew, this is not.

The kernel numbers interfaces (ifindex) upwards and uses no number again until the next boot,
so boot and number tell a tap from another one that had its name. The time tells which of two
descriptions of the same plug is the newer one.
"""

from __future__ import annotations

from ganeti_ovs.model.value import Frozen

KEY = "ganeti-ovs-plug"
"""external_ids key of the Interface row: the plug that it was made for, and when."""


class Plug(Frozen):
    """A plug, described at one moment."""

    boot: str
    """The first eight digits of the kernel's boot ID."""
    ifindex: int
    time: int
    """ns since that boot, the time of suspension included (CLOCK_BOOTTIME)."""

    def text(self) -> str:
        """As it stands in external_ids and in records."""
        return f"{self.boot}.{self.ifindex}.{self.time}"

    def same(self, other: Plug) -> bool:
        """True if both describe the same plug, at whatever moment."""
        return (self.boot, self.ifindex) == (other.boot, other.ifindex)


def parse_plug(text: str) -> Plug | None:
    """The plug that `text` describes, None if it describes none."""
    parts = text.split(".")
    if len(parts) != 3 or len(parts[0]) != 8 or not parts[0].isalnum():
        return None
    if not all(part.isascii() and part.isdigit() and len(part) <= 20 for part in parts[1:]):
        return None
    return Plug(parts[0], int(parts[1]), int(parts[2]))
