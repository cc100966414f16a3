"""A real Ganeti cluster on this machine: nodes are namespaces, guests are KVM under emulation.

A further namespace is the physical network: one bridge for the nodes' addresses
(eth0, 10.77.0.0/24), one for their uplinks (eth1, eth2), which passes VLAN tags.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.cluster.box import Box
from tests.cluster.image import CONSOLE, build
from tests.testbed.product import SOURCE
from tests.testbed.reader import read

_PROGRAMS = {
    "gnt-cluster": "ganeti", "ovs-vswitchd": "openvswitch-switch", "sshd": "openssh-server",
    "qemu-system-x86_64": "qemu-system-x86", "socat": "socat", "fping": "fping", "cpio": "cpio",
    "arping": "iputils-arping", "busybox": "busybox-static", "modprobe": "kmod", "lvs": "lvm2",
}  # fmt: skip

_PACKAGES = ("ganeti", "ganeti-3.1", "ganeti-haskell-3.1", "ganeti-htools-3.1")

# NOTE: not /usr/bin/kvm, which tries KVM first; a root_path is needed beside a kernel; and the
# userspace datapath does not know checksum offload, so vnet_hdr must be off or TCP would fail.
_KVM = (
    "kvm:kvm_path=/usr/bin/qemu-system-x86_64,kvm_flag=disabled,kernel_path=/srv/lab/vmlinuz,"
    "initrd_path=/srv/lab/initrd,root_path=/dev/ram0,kernel_args=quiet panic=1,"
    "serial_console=true,serial_speed=115200,vhost_net=false,vnet_hdr=false,migration_port=8102"
)
_SWITCH = """
ip link set lo up
for bridge in mgmt trunk; do ip link add $bridge type bridge && ip link set $bridge up || exit 1
echo 1 >/proc/sys/net/ipv6/conf/$bridge/disable_ipv6; done
: >"$1"; trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done
"""


class Cluster:
    """`nodes` nodes, up when the constructor returns; `close` leaves nothing.

    With `packages`, a directory of Debian packages of Ganeti, these are unpacked on
    each node, and the cluster is one of Ganeti `version`, theirs or the host's.
    `defaults` are NIC parameters of the cluster beside mode and link.
    """

    def __init__(
        self,
        nodes: int = 3,
        uplinks: int = 1,
        packages: Path | None = None,
        version: str = "3.1",
        defaults: str = "",
    ) -> None:
        missing = {
            package
            for program, package in _PROGRAMS.items()
            if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
        }
        if missing:
            raise RuntimeError(f"please install: {' '.join(sorted(missing))}")
        self.dir = Path(tempfile.mkdtemp(prefix="ganeti-ovs-cluster-"))
        self.dir.chmod(0o755)
        self.boxes: list[Box] = []
        try:
            if packages:
                self._provide(packages, version)
            self._build(nodes, uplinks, defaults)
        except BaseException:
            self.close()
            raise

    @property
    def version(self) -> str:
        """Of Ganeti, as it runs: 3.0 or 3.1."""
        link = self.master.run("readlink", "/etc/ganeti/share").stdout.strip()
        return Path(link).name

    @property
    def master(self) -> Box:
        return self.node(1)

    def node(self, number: int) -> Box:
        return self.boxes[number]

    def gnt(self, command: str, *arguments: str, check: bool = True, limit: float = 180) -> str:
        """Run gnt-<command> on the master and return all that it prints."""
        done = self.master.run(f"gnt-{command}", *arguments, check=check, limit=limit)
        return done.stdout + done.stderr

    def modify(self, instance: str, net: str, hot: bool = False, check: bool = True) -> str:
        """Change a NIC, as `gnt-instance modify --net`; `hot` is by hot-plugging.

        NOTE: 3.0 hot-plugs if it is told to, 3.1 unless it is told not to; both ask before.
        """
        if self.version == "3.0":
            how = ["--hotplug", "--force"] if hot else []
        else:
            how = ["--force"] if hot else ["--no-hotplug"]
        return self.gnt("instance", "modify", *how, "--net", net, instance, check=check)

    def kill(self, number: int, instance: str) -> None:
        """End a guest at once, if it runs on that node: Ganeti asks it and waits five seconds."""
        pid_file = f"/var/run/ganeti/kvm-hypervisor/pid/{instance}"
        self.node(number).run("sh", "-c", f"kill -9 $(cat {pid_file})", check=False)

    def guest(self, number: int, instance: str, command: str, limit: float = 60) -> str:
        """Run a command in a guest on that node; fails if the command does."""
        serial = f"/var/run/ganeti/kvm-hypervisor/ctrl/{instance}.serial"
        return self.node(number).run(
            "python3", "-", serial, str(limit), command, stdin=CONSOLE, limit=limit + 10
        ).stdout  # fmt: skip

    def rows(self, number: int) -> dict[str, list[dict[str, Any]]]:
        """The node's OVS database, read by Open vSwitch's own library."""
        return read(f"/proc/{self.node(number).pid}/root/run/openvswitch/db.sock")

    def config(self) -> dict[str, Any]:
        """Ganeti's configuration, as the master keeps it."""
        config: dict[str, Any] = json.loads(
            self.master.run("cat", "/var/lib/ganeti/config.data").stdout
        )
        return config

    def close(self) -> None:
        for box in reversed(self.boxes):
            box.close()
        for mount in sorted(self.dir.glob("*.fs")):
            subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _provide(self, packages: Path, version: str) -> None:
        here = self.dir / "packages"
        here.mkdir()
        (here / "version").write_text(version)
        for name in _PACKAGES:
            (package,) = packages.glob(f"{name}_*.deb")
            shutil.copy(package, here)

    def _build(self, nodes: int, uplinks: int, defaults: str) -> None:
        build(self.dir)
        (self.dir / "ssh").mkdir()
        for kind, name in (
            ("rsa", "id_rsa"), ("rsa", "ssh_host_rsa_key"),
            ("ecdsa", "ssh_host_ecdsa_key"), ("ed25519", "ssh_host_ed25519_key"),
        ):  # fmt: skip
            subprocess.run(
                ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "lab",
                 "-f", self.dir / "ssh" / name],
                check=True,
            )  # fmt: skip
        shutil.copy(Path(__file__).with_name("boot.sh"), self.dir)
        ready = self.dir / "switch.ready"
        switch = Box("switch", self.dir, "bash", "-c", _SWITCH, "switch", str(ready))
        self.boxes.append(switch)
        switch.wait_for(ready)
        for number in range(1, nodes + 1):
            node = Box(
                f"node{number}", self.dir, "bash", str(self.dir / "boot.sh"), str(number),
                str(self.dir), str(SOURCE), str(uplinks),
            )  # fmt: skip
            self.boxes.append(node)
            self._cable(switch, node, f"m{number}", "eth0", "mgmt")
            for uplink in range(1, uplinks + 1):
                self._cable(switch, node, f"t{number}.{uplink}", f"eth{uplink}", "trunk")
        for number in range(1, nodes + 1):
            self.node(number).wait_for(self.dir / f"node{number}.ready")
        self._initialise(nodes, defaults)

    def _cable(self, switch: Box, node: Box, here: str, there: str, bridge: str) -> None:
        for command in (
            ("link", "add", here, "type", "veth", "peer", "name", there, "netns", str(node.pid)),
            ("link", "set", here, "master", bridge, "up"),
        ):
            subprocess.run(["nsenter", "-t", str(switch.pid), "--net", "ip", *command], check=True)

    def _initialise(self, nodes: int, defaults: str) -> None:
        nics = f"mode=openvswitch,link=br0,{defaults}".rstrip(",")
        self.gnt(
            "cluster", "init", "--enabled-hypervisors=kvm", "--enabled-disk-templates=diskless",
            "--master-netdev=eth0", "--master-netmask=32", "--no-etc-hosts", "--no-ssh-init",
            "--nic-parameters", nics, "--mac-prefix=aa:00:77",
            "--ipolicy-std-specs", "memory-size=128", "--hypervisor-parameters", _KVM,
            "--backend-parameters", "vcpus=1,memory=128", "cluster.lab",
        )  # fmt: skip
        for number in range(2, nodes + 1):
            self.gnt("node", "add", "--no-ssh-key-check", f"node{number}.lab")

    def on_all(self, *command: str) -> list[str]:
        """Run a command on all nodes at once and return what each printed."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda box: box.run(*command).stdout, self.boxes[1:]))
