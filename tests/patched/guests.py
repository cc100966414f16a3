"""What the tests on patched packages do with guests, and what must then be in Open vSwitch."""

from __future__ import annotations

from tests.cluster.expect import Guest, check
from tests.cluster.lab import Cluster

ADD = ("instance", "add", "-t", "diskless", "-o", "noop")


class Guests:
    """Instances of a cluster and how their ports must look; `check` compares all nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.wanted: dict[str, Guest] = {}

    def add(
        self, name: str, net: str, vlan: str, limit: int = 0, *, node: int = 1, burst: int = 0
    ) -> None:
        """Add an instance with one NIC; `vlan`, `limit` (bit/s) and `burst` (bit, 0: chosen from
        the limit) are what must become of it."""
        self.cluster.gnt(*ADD, "-n", f"node{node}.lab", "--net", f"0:{net}", name)
        self.expect(name, vlan, limit, node=node, burst=burst)

    def expect(
        self, name: str, vlan: str, limit: int = 0, *, node: int = 1, burst: int = 0
    ) -> None:
        limits = {0: limit} if limit else {}
        self.wanted[name] = Guest(node, [vlan], limits, {0: burst} if burst else {})
        self.check()

    def modify(
        self, name: str, net: str, vlan: str, limit: int = 0, *, hot: bool = False, burst: int = 0
    ) -> None:
        if hot:  # a guest must be up to let go of a device
            self.cluster.guest(self.wanted[name].node, name, "true")
        out = self.cluster.modify(name, f"0:modify,{net}", hot=hot)
        assert ("hotplug:done" in out) == hot, out
        self.expect(name, vlan, limit, node=self.wanted[name].node, burst=burst)

    def params(self, name: str) -> dict[str, str]:
        """The NIC's own parameters, as the configuration has them."""
        (nic,) = (one for one in self.cluster.config()["instances"].values() if one["name"] == name)
        params: dict[str, str] = nic["nics"][0]["nicparams"]
        return params

    def field(self, name: str, fields: str) -> list[str]:
        out = self.cluster.gnt(
            "instance", "list", "--no-headers", "--separator=|", "-o", fields, name
        )
        return out.strip().split("|")

    def remove(self, *names: str) -> None:
        for name in names or list(self.wanted):
            if self.wanted[name].node:
                self.cluster.kill(self.wanted[name].node, name)
            self.cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name)
            self.wanted.pop(name)
        self.check()

    def check(self) -> None:
        check(self.cluster, self.wanted)
