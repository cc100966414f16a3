"""The installed ganeti-3.0 package in a root directory and a dpkg database of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.testbed.product import SOURCE

PROGRAM = SOURCE / "patches/apply-installed"
PYTHON = "usr/share/ganeti/3.0/ganeti"
DPKG = Path("/var/lib/dpkg/info")
PATCHED = (
    "cli.py", "client/gnt_instance.py", "client/gnt_network.py", "cmdlib/instance_create.py",
    "cmdlib/instance_set_params.py", "cmdlib/instance_utils.py",
)  # fmt: skip
STOCK_DIVERSION = "/usr/share/ganeti/2.16/ganeti/utils/version.py"

State = dict[str, tuple[object, ...]]


class Installed:
    """`root` is made and filled from what this machine has installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / PYTHON
        admin = root / "var/lib/dpkg"
        for name in ("info", "updates"):
            (admin / name).mkdir(parents=True)
        shutil.copytree("/usr/share/ganeti", root / "usr/share/ganeti", symlinks=True)
        for kind in ("list", "md5sums"):
            shutil.copy(DPKG / f"ganeti-3.0.{kind}", admin / "info")
        shutil.copy(DPKG / "format", admin / "info")
        status = subprocess.run(
            ["dpkg-query", "-s", "ganeti-3.0"], capture_output=True, text=True, check=True
        ).stdout
        (admin / "status").write_text(status + "\n")
        (admin / "diversions").write_text(
            f"{STOCK_DIVERSION}\n{STOCK_DIVERSION}.orig\nganeti-3.0\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin to run apply-installed."""
        return subprocess.Popen(
            [PROGRAM, "--root", self.root, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(self.root.parent)},
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """What apply-installed says; it must end with `code`."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        assert bool(err) == bool(code), err
        return out + err

    def dpkg(self, *arguments: str | Path) -> str:
        """Run dpkg itself on this root."""
        return subprocess.run(
            ["dpkg", "--root", self.root, "--force-depends", "--force-script-chrootless",
             *arguments],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    def diversions(self) -> str:
        return subprocess.run(
            ["dpkg-divert", "--root", self.root, "--list"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def state(self) -> State:
        """All that is in /usr and /var/lib of the root, with owners, modes and times of files; of
        dpkg only its diversions."""
        found: State = {"diversions": tuple(sorted(self.diversions().splitlines()))}
        for directory, names, files in os.walk(self.root):
            if directory.endswith("/var/lib/dpkg"):
                names.clear()
                continue
            for name in (*names, *files):
                path = Path(directory, name)
                stat = path.lstat()
                facts: tuple[object, ...] = (stat.st_mode, stat.st_uid, stat.st_gid)
                if path.is_symlink():
                    facts += (os.readlink(path),)
                elif path.is_file():
                    facts += (stat.st_mtime_ns, stat.st_nlink, path.read_bytes())
                found[str(path.relative_to(self.root))] = facts
        return found

    def import_all(self, compiled: bool = True) -> str:
        """Load the patched modules as jobs and commands do (their compiled forms are written,
        unless told not to); the usage of gnt-network."""
        program = """
import sys
import ganeti.client.gnt_instance, ganeti.cmdlib.instance_create
import ganeti.cmdlib.instance_set_params, ganeti.client.gnt_network as main
sys.argv = ["gnt-network", "--help"]
main.Main()
"""
        return subprocess.run(
            ["/usr/bin/python3", "-c", program],
            env={
                "PYTHONPATH": str(self.python.parent),
                **({} if compiled else {"PYTHONDONTWRITEBYTECODE": "1"}),
            },
            cwd="/", capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    def package(self, version: str, change: dict[str, tuple[str, str]]) -> Path:
        """Build a ganeti-3.0 of another version: for each file, a text replaced by another."""
        tree = self.root.parent / f"package-{version}"
        shutil.copytree(self.python, tree / PYTHON, ignore=shutil.ignore_patterns("__pycache__"))
        for path in list(tree.rglob("*.distrib")):
            path.rename(path.with_suffix(""))
        for name, (old, new) in change.items():
            text = (tree / PYTHON / name).read_text()
            assert old in text
            (tree / PYTHON / name).write_text(text.replace(old, new))
        return build("ganeti-3.0", version, tree)


def build(name: str, version: str, tree: Path) -> Path:
    """A Debian package with the files of `tree`."""
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: nobody <root@localhost>\nDescription: a test\n"
    )
    sums = subprocess.run(
        ["find", "usr", "-type", "f", "-exec", "md5sum", "{}", "+"],
        cwd=tree, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (tree / "DEBIAN/md5sums").write_text(sums)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-z1", "-b", tree, f"{tree}.deb"],
        check=True, capture_output=True,
    )  # fmt: skip
    return Path(f"{tree}.deb")
