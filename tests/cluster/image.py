"""The guests' system: Debian's kernel and busybox, and a way to run commands inside."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

_MODULES = ("button", "evdev", "virtio_pci", "virtio_net", "8021q")

_INIT = r"""#!/bin/busybox sh
# Kernel argument lab.ip=eth0:10.0.0.1/24,eth1:… gives addresses; all NICs come up, hot-added too.
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module 2>/dev/null; done
echo 1 >/proc/sys/kernel/printk
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
acpid -d >/dev/null 2>&1 &
for word in $(cat /proc/cmdline); do case $word in lab.ip=*) addresses=${word#lab.ip=};; esac; done
( while :; do
    for link in /sys/class/net/eth*; do
      nic=${link##*/}; [ -e /sys/class/net/$nic ] || continue
      [ "$(cat /sys/class/net/$nic/operstate)" = down ] || continue
      ip link set $nic up
      for word in $(echo $addresses | tr , ' '); do
        [ "${word%%:*}" = $nic ] && ip addr add ${word#*:} dev $nic 2>/dev/null
      done
    done
    sleep 1
  done ) >/dev/null 2>&1 &
while :; do setsid sh -c 'PS1="# " exec sh </dev/ttyS0 >/dev/ttyS0 2>&1'; done
"""

# Runs in a node: talks to a guest's shell over its serial console.
CONSOLE = r"""
import re, socket, sys, time
path, limit, command = sys.argv[1], time.time() + float(sys.argv[2]), sys.argv[3]
serial = socket.socket(socket.AF_UNIX)
serial.connect(path)
serial.settimeout(1)
seen = b""
def until(pattern, again=b""):
    global seen
    while time.time() < limit:
        match = re.search(pattern, seen, re.S)
        if match:
            return match
        try:
            seen += serial.recv(65536)
        except TimeoutError:
            if again:
                serial.sendall(again)
    sys.exit(f"the guest does not answer: {seen[-300:]!r}")
mark = b"%d" % time.time_ns()
hello = b"stty -echo 2>/dev/null; echo S''%s\n" % mark
serial.sendall(hello)
until(rb"S%s\r?\n" % mark, hello)
serial.sendall(b"echo B''%s; ( %s ); echo E''%s:$?:\n" % (mark, command.encode(), mark))
match = until(rb"B%s\r?\n(.*?)E%s:(\d+):" % (mark, mark))
sys.stdout.write(match.group(1).decode(errors="replace").replace("\r\n", "\n"))
sys.exit(int(match.group(2)))
"""


def build(directory: Path) -> None:
    """Write vmlinuz and initrd into `directory`. Needs linux-image-amd64 and busybox-static."""
    kernels = sorted(Path("/boot").glob("vmlinuz-*"), key=lambda path: path.stat().st_mtime)
    if not kernels:
        raise RuntimeError("no kernel for guests: install linux-image-amd64")
    kernel = kernels[-1]
    version = kernel.name.partition("-")[2]
    tree = directory / "guest"
    for name in ("bin", "proc", "sys", "dev", "etc/acpi/PWRF", "modules", "tmp"):
        (tree / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    if busybox is None:
        raise RuntimeError("no busybox for guests: install busybox-static")
    shutil.copy(busybox, tree / "bin" / "busybox")
    order: list[str] = []
    for module in _MODULES:
        listed = subprocess.run(
            ["modprobe", "-S", version, "--show-depends", module],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        for line in listed.splitlines():
            if line.startswith("insmod ") and Path(line.split()[1]).name not in order:
                shutil.copy(line.split()[1], tree / "modules")
                order.append(Path(line.split()[1]).name)
    (tree / "modules" / "order").write_text("\n".join(order) + "\n")
    _script(tree / "init", _INIT)
    _script(tree / "etc/acpi/PWRF/00000080", "#!/bin/sh\npoweroff -f\n")
    names = subprocess.run(["find", "."], cwd=tree, capture_output=True, check=True).stdout
    archive = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, capture_output=True,
        check=True,
    ).stdout  # fmt: skip
    (directory / "initrd").write_bytes(gzip.compress(archive, 1))
    shutil.copy(kernel, directory / "vmlinuz")
    (directory / "vmlinuz").chmod(0o644)
    shutil.rmtree(tree)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
