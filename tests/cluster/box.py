"""A set of namespaces that lives as long as its first process."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.testbed.openvswitch import wait_until


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
        """Run a command inside and return how it ended; by default, it must end well."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "--mount", "--net", "--uts", "--ipc", "--pid",
             "--root", "--wdns=/root", "--", "/usr/bin/env", "-i", "HOME=/root", "USER=root",
             "LOGNAME=root", "TERM=dumb", "LC_ALL=C.UTF-8",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )  # fmt: skip
        if check and done.returncode:
            shown = " ".join(command)
            raise RuntimeError(
                f"{self.name}: {shown}: exit {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done

    def close(self) -> None:
        if self._holder.poll() is None:
            self._holder.kill()
        self._holder.wait(20)
