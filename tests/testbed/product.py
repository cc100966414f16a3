"""The product as `make install` puts it, in a directory of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parents[2]
KVM_IFUP = "/usr/lib/ganeti/kvm-ifup"


class Product:
    """`directory` becomes the root of what is installed."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.etc = directory / "etc"
        self.kvm_vif_bridge = self.etc / "ganeti" / "kvm-vif-bridge"
        self.up = self.etc / "ganeti" / "network" / "openvswitch" / "up"
        self.down = self.up.with_name("down")
        self.vif_custom = self.etc / "xen" / "scripts" / "vif-custom"
        self.gnt_ovs = directory / "usr" / "bin" / "gnt-ovs"
        self.install()

    def install(self) -> str:
        """Run `make install` and return what it says."""
        return subprocess.run(
            ["make", "-C", SOURCE, "install", f"PREFIX={self.root}/usr", f"SYSCONFDIR={self.etc}"],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    def run(
        self,
        environ: dict[str, str],
        command: str | Path | None = None,
        *arguments: str,
        limit: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a script (default: kvm-vif-bridge) as Ganeti runs it and return how it ended."""
        return subprocess.run(
            [str(command or self.kvm_vif_bridge), *arguments],
            env=environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=limit,
        )

    def ganeti_environ(self) -> dict[str, str]:
        """What makes Ganeti's own scripts find us instead of the host's configuration."""
        return {"SYSCONFDIR": str(self.etc), "LOCALSTATEDIR": str(self.root / "var")}
