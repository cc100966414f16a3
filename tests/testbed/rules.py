"""IEEE 802.1Q's rules for a frame on its way through a VLAN bridge.

Written from the standard's point of view, as the judge of what the code under
test has configured. VLAN 0 is the untagged network.
"""

from __future__ import annotations

Tags = tuple[int, ...]

ALL_VLANS = frozenset(range(1, 4095))


class Port:
    """The VLAN that is untagged at a port (None: there is none) and those that are tagged."""

    def __init__(self, untagged: int | None, *tagged: int) -> None:
        self.untagged = untagged
        self.tagged = frozenset(tagged)

    def enters(self, tags: Tags) -> tuple[int, Tags] | None:
        """The VLAN that a frame coming in is put into, and its inner tags; None: dropped."""
        outer, inner = (tags[0], tags[1:]) if tags else (0, ())
        if outer == 0:  # untagged, or priority-tagged, which is the same to a bridge
            return None if self.untagged is None else (self.untagged, inner)
        # A port with tagged VLANs takes its untagged one tagged, too.
        if outer in self.tagged or (outer == self.untagged and self.tagged):
            return outer, inner
        return None

    def leaves(self, vlan: int, inner: Tags) -> Tags | None:
        """The tags with which a frame in `vlan` goes out; None: it does not."""
        if vlan == self.untagged:
            return inner
        return (vlan, *inner) if vlan in self.tagged else None


def passes(sender: Port, receiver: Port, tags: Tags) -> Tags | None:
    """The tags with which `receiver` hears a frame that `sender` sent with `tags`; None: never."""
    entered = sender.enters(tags)
    return receiver.leaves(*entered) if entered else None
