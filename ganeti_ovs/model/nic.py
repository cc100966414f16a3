"""A guest's NIC as it must appear in Open vSwitch."""

from __future__ import annotations

from ganeti_ovs.model.value import Frozen
from ganeti_ovs.model.vlan import Vlan


class Nic(Frozen):
    """One NIC, all values validated. Made by `ganeti_ovs.cluster.environment`."""

    instance: str
    index: int
    """Ganeti's number of the NIC in its instance, from 0."""
    uuid: str
    mac: str
    tap: str
    """The node's network interface: KVM's tap or Xen's vif."""
    switch: str
    """The vSwitch (OVS bridge) it belongs to: Ganeti's `link`."""
    vlan: Vlan
    port_type: str
    """access, trunk or hybrid; never contradicts `vlan`."""
    max_bandwidth: int = 0
    """bit/s in each direction; 0 = unlimited."""
    max_burst: int = 0
    """bit; 0 = chosen from max_bandwidth."""
    plug: str = ""
    """The text of its tap's plug (`ganeti_ovs.model.plug`); empty where it has none yet."""

    def plugged(self, plug: str) -> Nic:
        """The same NIC with its tap's plug."""
        return Nic(**{**self.__dict__, "plug": plug})
