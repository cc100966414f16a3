"""What a look at this node has seen (`ganeti_ovs.node.look`), as a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.environment import where
from ganeti_ovs.model.plug import parse_plug
from ganeti_ovs.node import records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.cluster.environment import NicSettings
    from ganeti_ovs.cluster.runtime import Runtime
    from ganeti_ovs.model.snapshot import Snapshot
    from ganeti_ovs.node.running import Running
    from ganeti_ovs.plan.portsplan import DesiredPorts


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong with what is desired for a NIC."""

    kind: str
    """Which of them, as one word."""
    tap: str
    where: str
    """Whose it is, for people."""
    words: str

    @property
    def line(self) -> str:
        """All of it."""
        return f"{self.where}: {self.words}" if self.where else self.words


@dataclass(frozen=True)
class Seen:
    """What was seen."""

    snapshot: Snapshot
    desired: DesiredPorts
    unwritten: Mapping[str, NicSettings]
    """Taps whose records do not say (yet) what is desired -> what they are to say."""
    troubles: tuple[Trouble, ...]
    running: Mapping[str, Running]
    """The NICs that run here, of all modes, by tap."""

    @property
    def problems(self) -> list[str]:
        """What is wrong, a line each."""
        return [one.line for one in self.troubles]

    @property
    def runs(self) -> dict[str, str]:
        """Taps of all NICs that run here and are known -> their UUIDs."""
        return {tap: one.nic.uuid for tap, one in self.running.items() if one.nic is not None}

    @property
    def instances(self) -> dict[str, str]:
        """Taps of all NICs that run here -> their instances."""
        return {tap: one.instance for tap, one in self.running.items()}

    @property
    def mixed(self) -> frozenset[str]:
        """Instances that hold a tap of which nobody knows which NIC it is."""
        return frozenset(one.instance for one in self.running.values() if one.nic is None)

    @property
    def wrong(self) -> dict[str, str]:
        """Taps whose NICs' settings are wrong -> which of the problems says so."""
        return {one.tap: one.line for one in self.troubles if one.kind == "nic-wrong"}

    def recorded(self, here: Runtime) -> Seen:
        """The same after the records have been written; ports tell of those that could not be."""
        troubles, unrecorded = [*self.troubles], set()
        for tap, nic in self.unwritten.items():
            plug = parse_plug(self.desired.nics[tap].plug)
            try:
                if plug is not None:
                    records.write(here, nic, plug)
            except OSError as err:
                unrecorded.add(tap)
                why = err.strerror or str(err)
                words = (
                    f"its settings could not be kept: {why}; gnt-ovs reconcile will not know them"
                )
                troubles.append(Trouble("unrecorded", tap, where(nic), words))
        desired = replace(self.desired, unrecorded=frozenset(unrecorded))
        return replace(self, desired=desired, troubles=tuple(troubles))
