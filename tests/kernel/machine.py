"""The emulated machine: booted once, answers one job after another.

Its root is the host's, read-only; what it writes is in its own memory. Nothing
of it is left on the host when it ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.kernel.guest.agent import READY
from tests.kernel.job import Job, Result, parse_result

TREE = Path(__file__).parents[2]
BOOT_LIMIT = 300.0
"""s from start to ready; about 30 when the host is idle."""
LIFETIME = 3600
"""s after which the machine ends by itself, whatever happens to the host's side."""
MEMORY = "1G"
_USR = "hostusr"


class MachineError(Exception):
    """The machine is not there or does not answer."""


def kernel() -> Path:
    """The newest Debian kernel image."""
    images = sorted(Path("/boot").glob("vmlinuz-*-amd64"), key=_version)
    if not images:
        raise MachineError("no /boot/vmlinuz-*-amd64: apt-get install linux-image-amd64")
    return images[-1]


def _version(image: Path) -> list[int]:
    return [int(word) for word in image.name.replace("-", ".").split(".") if word.isdigit()]


def _vng() -> str:
    beside = Path(sys.executable).with_name("vng")
    found = str(beside) if beside.exists() else shutil.which("vng")
    if not found:
        raise MachineError("no vng: pip install virtme-ng")
    return found


class Machine:
    """Booted by the constructor, ended by `close`. Raises MachineError."""

    def __init__(self, datapath: str = "system", cpus: int = 2) -> None:
        """`datapath` is Open vSwitch's datapath_type: system or netdev."""
        vng, image = _vng(), kernel()
        for tool in ("qemu-system-x86_64", "busybox", "cpio", "iperf3", "ovs-vswitchd", "ethtool"):
            if not shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
                raise MachineError(f"{tool} is missing: make test installs it")
        self.directory = Path(tempfile.mkdtemp(prefix="ganeti-ovs-kernel-"))
        # The machine's root is not cached by its kernel: without this second, cached way to
        # /usr every program is read from the host each time it starts.
        cached = "ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose"
        script = (
            f"mount -t 9p -o {cached} {_USR} /usr && cd {shlex.quote(str(TREE))}"
            f" && exec /usr/bin/python3 -B -m tests.kernel.guest.agent {LIFETIME} {datapath}"
        )
        command = [
            vng, "--run", str(image), "--disable-kvm", "--force-9p", "--cpus", str(cpus),
            "--memory", MEMORY, "--user", "root", "--exec", script,
            f"--qemu-opts=-fsdev local,id={_USR},path=/usr,security_model=none,readonly=on"
            f" -device virtio-9p-pci,fsdev={_USR},mount_tag={_USR}",
        ]  # fmt: skip
        self._messages = open(self.directory / "console", "wb")  # noqa: SIM115
        # A group of its own, so that qemu, a grandchild, is ended with it.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            cwd="/",
            env={
                **os.environ,
                "HOME": str(self.directory),
                "TMPDIR": str(self.directory),
                # vng starts its other half by name.
                "PATH": os.pathsep.join((str(Path(vng).parent), os.environ["PATH"], "/usr/sbin")),
            },
            start_new_session=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            while self._line(BOOT_LIMIT) != READY:
                pass
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def measure(self, job: Job) -> Result:
        """Carry out `job`; MachineError if the machine could not."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(job.line().encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise MachineError(f"the machine has ended: {error}; {self.console()}") from None
        while True:
            line = self._line(180.0 + job.warmup + job.seconds)
            if line.startswith("{"):
                break
        result = parse_result(line)
        if result.error:
            raise MachineError(result.error)
        return result

    def console(self) -> str:
        """The last that the machine's kernel and programs have said."""
        return (self.directory / "console").read_text(errors="replace")[-4000:]

    def close(self) -> None:
        """End the machine and remove its directory."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._messages.close()
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode(errors="replace").strip())
        self._lines.put(None)

    def _line(self, limit: float) -> str:
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            raise MachineError(f"no answer within {limit:g} s; {self.console()}") from None
        if line is None:
            raise MachineError(f"the machine has ended; {self.console()}")
        return line
