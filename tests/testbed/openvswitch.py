"""A private Open vSwitch: real ovsdb-server and ovs-vswitchd, userspace datapath.

Own run directory, own database, the caller's network namespace. Every process
dies with its parent and is otherwise ended by its own handle.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def wait_until(condition: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    """Poll `condition` until it is true; fail after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit:g} s: {what}")
        time.sleep(0.01)


def wait_idle(pid: int, quiet: float = 0.3, limit: float = 20.0) -> None:
    """Wait until the process has slept for `quiet` seconds without using processor time."""
    stat = Path(f"/proc/{pid}/stat")
    used, since, deadline = "", time.monotonic(), time.monotonic() + limit
    while time.monotonic() < since + quiet:
        fields = stat.read_text().rpartition(")")[2].split()
        before, used = used, ":".join(fields[11:13])
        if used != before or fields[0] != "S":
            since = time.monotonic()
        if since > deadline:
            raise TimeoutError(f"process {pid} still busy after {limit:g} s")
        time.sleep(0.01)


class OpenVSwitch:
    """Started by the constructor; `close` ends the daemons and removes the directory."""

    def __init__(self, vswitchd_command: tuple[str, ...] = ()) -> None:
        """`vswitchd_command` goes before ovs-vswitchd's own command line (ip netns exec …)."""
        self.dir = Path(tempfile.mkdtemp(prefix="ganeti-ovs-test-"))
        self.socket = self.dir / "db.sock"
        self.environ = {
            "PATH": _PATH,
            "LC_ALL": "C",
            "LOCALSTATEDIR": str(self.dir / "var"),
            **{f"OVS_{name}DIR": str(self.dir) for name in ("RUN", "LOG", "DB", "SYSCONF")},
        }
        self._prefix = vswitchd_command
        self._server: subprocess.Popen[bytes] | None = None
        self._vswitchd: subprocess.Popen[bytes] | None = None
        self.create_database()
        self.start_server()
        self.vsctl("--no-wait", "init")
        self.start_vswitchd()

    def __enter__(self) -> OpenVSwitch:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def create_database(self) -> None:
        self._run("ovsdb-tool", "create", str(self.dir / "conf.db"), SCHEMA)

    def start_server(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._server = self._start(
            "ovsdb-server", str(self.dir / "conf.db"), f"--remote=punix:{self.socket}"
        )
        wait_until(self._listens, "ovsdb-server's socket")

    def _listens(self) -> bool:
        with socket(AF_UNIX, SOCK_STREAM) as client:
            return not client.connect_ex(str(self.socket))

    def lose_database(self) -> None:
        """A new, empty database; both daemons are restarted."""
        self.stop_vswitchd()
        self.stop_server()
        (self.dir / "conf.db").unlink()
        self.create_database()
        self.start_server()
        self.vsctl("--no-wait", "init")
        self.start_vswitchd()

    def start_vswitchd(self, *command: str) -> None:
        """`command` goes before its command line in place of the constructor's."""
        self._vswitchd = self._start(
            *(command or self._prefix), "ovs-vswitchd", f"unix:{self.socket}", "--disable-system"
        )
        # NOTE: ovs-vsctl waits for ovs-vswitchd only where it changes something.
        self.vsctl("set", "Open_vSwitch", ".", f"external_ids:started={self.pid()}")

    def stop_server(self) -> None:
        self._stop(self._server)
        self._server = None

    def stop_vswitchd(self) -> None:
        self._stop(self._vswitchd)
        self._vswitchd = None

    def freeze_server(self, frozen: bool) -> None:
        """Let ovsdb-server hang (SIGSTOP) or go on."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def freeze_vswitchd(self, frozen: bool) -> None:
        """Let ovs-vswitchd hang (SIGSTOP) or go on."""
        assert self._vswitchd is not None
        self._vswitchd.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def kill_server(self) -> None:
        """ovsdb-server ends at once (SIGKILL)."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()
        self._server = None

    def pid(self) -> int:
        """Of ovs-vswitchd."""
        assert self._vswitchd is not None
        return self._vswitchd.pid

    def pids(self) -> tuple[int, int]:
        """Of ovsdb-server and ovs-vswitchd."""
        assert self._server is not None
        return self._server.pid, self.pid()

    def wait_idle(self, limit: float = 120.0) -> None:
        """Wait until ovs-vswitchd has used no processor time for a tenth of a second."""
        wait_idle(self.pid(), 0.1, limit)

    def close(self) -> None:
        self.stop_vswitchd()
        self.stop_server()
        shutil.rmtree(self.dir)

    def add_bridge(self, name: str, **columns: str) -> None:
        """A bridge on the userspace datapath, with further columns of its row."""
        settings = [f"{key}={value}" for key, value in columns.items()]
        self.vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev", *settings)

    def vsctl(self, *arguments: str) -> str:
        """Run ovs-vsctl on this database and return what it prints.

        NOTE: where an interface of a change does not open, 3.x says so and 4.0 also ends with
        65; the change is in the database all the same.
        """
        command = ("ovs-vsctl", f"--db=unix:{self.socket}", "--timeout=30", *arguments)
        return self._run(*command, good=(0, 65))

    def appctl(self, *arguments: str) -> str:
        """Ask ovs-vswitchd."""
        assert self._vswitchd is not None
        (control,) = self.dir.glob("ovs-vswitchd.*.ctl")
        return self._run("ovs-appctl", "-t", str(control), *arguments)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of `table`, read by Open vSwitch's own Python library.

        References to other rows are replaced by those rows' UUIDs.
        """
        from tests.testbed.reader import read

        return read(str(self.socket))[table]

    def log(self) -> str:
        """What the daemons have logged."""
        return (self.dir / "log").read_text()

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with open(self.dir / "log", "ab") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _stop(self, process: subprocess.Popen[bytes] | None) -> None:
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _run(self, *command: str, good: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode not in good:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
        return done.stdout
