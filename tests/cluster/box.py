"""A set of namespaces that lives as long as its first process."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.testbed.openvswitch import wait_until

_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
"""Status of timeout(1) with --signal=KILL, which ends itself too, and of any killed command."""
_LOGS = ("ganeti/jobs.log", "ganeti/node-daemon.log", "openvswitch/ovs-vswitchd.log", "syslog")


class Box:
    """Mount, network, host name, IPC and process namespaces with `command` as pid 1.

    When the tests end, however they end, the kernel ends pid 1 and with it all
    that runs inside.
    """

    def __init__(self, name: str, directory: Path, *command: str) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        with open(self.log, "wb") as log:
            self._holder = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--uts", "--ipc",
                 "--pid", "--fork", "--kill-child=KILL", "--propagation", "private", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        wait_until(lambda: bool(children.read_text().split()), f"{name} does not start")
        self.pid = int(children.read_text().split()[0])

    def wait_for(self, file: Path, limit: float = 30) -> None:
        """Wait until `file` is there; fail with the log's end."""

        def ready() -> bool:
            if self._holder.poll() is not None:
                raise RuntimeError(f"{self.name} has ended: {self.tail()}")
            return file.exists()

        try:
            wait_until(ready, str(file), limit)
        except TimeoutError as err:
            raise TimeoutError(f"{err}: {self.tail()}") from None

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def run(
        self, *command: str, check: bool = True, limit: float = 120, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return how it ended; by default, it must end well.

        It is ended inside: with nsenter alone killed here, it would live on there.
        """
        started = time.monotonic()
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "--mount", "--net", "--uts", "--ipc", "--pid",
             "--root", "--wdns=/root", "--", "/usr/bin/env", "-i", "HOME=/root", "USER=root",
             "LOGNAME=root", "TERM=dumb", "LC_ALL=C.UTF-8",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
             "timeout", "--signal=KILL", str(limit), *command],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit + 10,
            check=False,
        )  # fmt: skip
        shown = f"{self.name}: {' '.join(command)}"
        said = f"{done.stdout}{done.stderr}"
        if done.returncode in _KILLED and time.monotonic() - started >= limit:
            raise TimeoutError(f"{shown}: not within {limit:g} s: {said}{self.logs()}")
        if check and done.returncode:
            raise RuntimeError(f"{shown}: exit {done.returncode}: {said}{self.logs()}")
        return done

    def logs(self, lines: int = 8) -> str:
        """The ends of the node's logs, for the text of a failure."""
        root = Path(f"/proc/{self.pid}/root/var/log")
        text = ""
        for name in _LOGS:
            with suppress(OSError):
                # The syslog comes from a socket, without ends of lines.
                log = (root / name).read_text(errors="replace")[-3000:].splitlines()
                text += "\n".join(["", f"--- {self.name}: {name}", *log[-lines:]])
        return text

    def close(self) -> None:
        if self._holder.poll() is None:
            self._holder.kill()
        self._holder.wait(20)
