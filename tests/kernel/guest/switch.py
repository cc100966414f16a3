"""Open vSwitch, and the ports of the guests that are measured."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.kernel.guest.system import die_with_parent, environment, run, wait_until
from tests.kernel.job import Columns

BRIDGE = "br0"
_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_DIRECTORY = Path("/run/ovs-kernel-tier")
_CONTROL = _DIRECTORY / "vswitchd.ctl"


class Switch:
    """ovsdb-server, ovs-vswitchd and one bridge, all in the machine's memory."""

    def __init__(self, datapath: str) -> None:
        """`datapath` is a datapath_type: system (the kernel's) or netdev (userspace)."""
        _DIRECTORY.mkdir()
        self.socket = _DIRECTORY / "db.sock"
        self.environ = {
            "LOCALSTATEDIR": str(_DIRECTORY / "var"),
            **{f"OVS_{name}DIR": str(_DIRECTORY) for name in ("RUN", "LOG", "DB", "SYSCONF")},
        }
        run("ovsdb-tool", "create", str(_DIRECTORY / "conf.db"), _SCHEMA)
        self._start("ovsdb-server", str(_DIRECTORY / "conf.db"), f"--remote=punix:{self.socket}")
        wait_until(self.socket.exists, "ovsdb-server's socket")
        self.vsctl("--no-wait", "init")
        self._start("ovs-vswitchd", f"unix:{self.socket}", f"--unixctl={_CONTROL}")
        self.vsctl("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, f"datapath_type={datapath}")

    def vsctl(self, *arguments: str) -> str:
        """Run ovs-vsctl, which waits until vswitchd has applied the change."""
        return run("ovs-vsctl", f"--db=unix:{self.socket}", "--timeout=30", *arguments)

    def attach(self, port: str, columns: Columns) -> None:
        """Put the device `port` on the bridge with these limits."""
        self.vsctl("add-port", BRIDGE, port, "--", *_assignments(port, columns))

    def teach(self, port: str, mac: str) -> None:
        """Tell the switch where `mac` is, once and for all.

        It would learn it, but after the port's first packets: until then it sends what is
        meant for that guest to all, and a slow guest's queue is full for many seconds with
        what a fast one should have.
        """
        run("ovs-appctl", "-t", str(_CONTROL), "fdb/add", BRIDGE, port, "0", mac)

    def detach(self, *ports: str) -> None:
        """Take the ports, and the rows of all limits there are, away."""
        # Two transactions: a port that goes with its bridge's reference still counts as
        # referring to its QoS.
        clear, remove = [], []
        for port in ports:
            clear += ["--", "--if-exists", "clear", "Port", port, "qos"]
            remove += ["--", "--if-exists", "del-port", port]
        self.vsctl(*clear[1:], "--", "--all", "destroy", "QoS", "--", "--all", "destroy", "Queue")
        self.vsctl(*remove[1:])

    def spoil(self, ports: list[str]) -> None:
        """What an administrator's script might do: its own ingress qdisc, and no shaper."""
        for port in ports:
            run("tc", "qdisc", "del", "dev", port, "root")
            run("tc", "qdisc", "del", "dev", port, "ingress")
            run("tc", "qdisc", "add", "dev", port, "ingress")

    def rows(self, table: str) -> int:
        """How many rows the table has."""
        return len(self.vsctl("--bare", "--columns=_uuid", "find", table).split())

    def tc(self, port: str) -> str:
        """What the kernel has at the device."""
        parts = (("qdisc", ()), ("class", ()), ("filter", ("ingress",)))
        return "".join(
            run("tc", "-s", "-d", kind, "show", "dev", port, *more) for kind, more in parts
        )

    def _start(self, *command: str) -> None:
        with open(_DIRECTORY / "log", "ab") as log:
            subprocess.Popen(
                die_with_parent(list(command)),
                env=environment(**self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def _assignments(port: str, columns: Columns) -> list[str]:
    """The ovs-vsctl arguments that write `columns`."""
    command = [
        "set", "Interface", port,
        f"ingress_policing_rate={columns.policing_rate}",
        f"ingress_policing_burst={columns.policing_burst}",
    ]  # fmt: skip
    if not columns.qos:
        return [*command, "--", "clear", "Port", port, "qos"]
    command += ["--", "--id=@qos", "create", "QoS", "type=linux-htb"]
    command += [f"other_config:{key}={value}" for key, value in columns.qos.items()]
    if columns.queue:
        command += ["queues:0=@queue", "--", "--id=@queue", "create", "Queue"]
        command += [f"other_config:{key}={value}" for key, value in columns.queue.items()]
    return [*command, "--", "set", "Port", port, "qos=@qos"]
