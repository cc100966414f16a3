"""Files of installed packages, replaced while dpkg-divert keeps the package's own beside them.

For every file F: the package's is F.distrib, with its times, and its compiled forms are kept, too
(F's .pyc.distrib). At no time is there no F: jobs start any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

OWNER = "ganeti-ovs"
"""Who holds the diversions, as dpkg-divert --list shows it."""

Undo = list[Callable[[], object]]


class Failed(Exception):
    """What is wrong and what to do, in one line."""


class Node:
    """The files and dpkg's database, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.record = root / "var/lib/ganeti-ovs/patched.md5sums"

    def path(self, name: str) -> Path:
        """Where `name`, as dpkg calls it, is."""
        return self.root / name.lstrip("/")

    def packages(self, *names: str) -> dict[str, str]:
        """Those that are installed, and their versions."""
        listed = self._query("-W", "-f", "${db:Status-Abbrev}|${Package}|${Version}\n", *names)
        rows = (line.split("|") for line in listed.splitlines())
        return {name: version for status, name, version in rows if status[1] == "i"}

    def md5sums(self, package: str) -> dict[str, str]:
        """File -> md5, as the package has it."""
        lines = self._query("--control-show", package, "md5sums").splitlines()
        return {"/" + name: md5 for md5, name in (line.split(None, 1) for line in lines)}

    def diversions(self) -> dict[str, tuple[str, str]]:
        """File -> (where it goes, by whom), of Ganeti's files."""
        found = {}
        for line in self._divert("--list", "/usr/share/ganeti/*").splitlines():
            if by := re.fullmatch(r"diversion of (.*) to (.*) by (.*)", line):
                found[by[1]] = (by[2], by[3])
            elif local := re.fullmatch(r"local diversion of (.*) to (.*)", line):
                found[local[1]] = (local[2], "the administrator")
        return found

    def ours(self) -> list[str]:
        """The files that are replaced by us."""
        return sorted(name for name, (_, by) in self.diversions().items() if by == OWNER)

    def recorded(self) -> set[str]:
        """`MD5  FILE` of what we have written."""
        return set(self.record.read_text().splitlines()) if self.record.exists() else set()

    def write_record(self, lines: set[str]) -> None:
        """Keep `lines`; none: remove the record."""
        if lines:
            self.record.parent.mkdir(parents=True, exist_ok=True)
            put(self.record, "".join(f"{line}\n" for line in sorted(lines)).encode())
        else:
            self.record.unlink(missing_ok=True)
            beside(self.record).unlink(missing_ok=True)  # of a run that was killed
            with contextlib.suppress(OSError):  # others keep things there, too
                self.record.parent.rmdir()

    def begin(self, name: str) -> None:
        """From now on the package's file goes beside `name`."""
        aside = ("--divert", f"{name}.distrib", "--no-rename")
        self._divert("--package", OWNER, *aside, "--quiet", "--add", name)

    def end(self, name: str) -> None:
        """The opposite of `begin`."""
        self._divert("--package", OWNER, "--no-rename", "--quiet", "--remove", name)

    def _query(self, *arguments: str) -> str:
        # For a package that is not there it fails, having printed the others.
        admindir = f"--admindir={self.path('/var/lib/dpkg')}"
        return run("dpkg-query", admindir, *arguments, may_fail=True)

    def _divert(self, *arguments: str) -> str:
        root = [] if self.root == Path("/") else ["--root", str(self.root)]
        return run("dpkg-divert", *root, *arguments)


def run(*command: str, may_fail: bool = False) -> str:
    """What a command prints; Failed with its words if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except FileNotFoundError as err:
        raise Failed(f"{command[0]} is missing: install it first") from err
    except subprocess.TimeoutExpired as err:
        raise Failed(f"{command[0]} does not end") from err
    if done.returncode and not may_fail:
        raise Failed(f"{command[0]}: {' '.join((done.stdout + done.stderr).split())}")
    return done.stdout


def md5(data: bytes) -> str:
    """As in a package's md5sums."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def put(path: Path, data: bytes, like: Path | None = None) -> None:
    """Make `path` hold `data`, at once or not at all; with the owner and mode of `like`."""
    new = beside(path)
    try:
        with open(new, "wb") as file:
            file.write(data)
            if like:
                shutil.copymode(like, new)
                os.chown(new, like.stat().st_uid, like.stat().st_gid)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """Where `put` writes before it replaces `path`."""
    return path.with_name(path.name + ".new")


def kept(path: Path) -> Path:
    """Where the package's file is while ours is at `path`."""
    return path.with_name(path.name + ".distrib")


def bytecode(path: Path, suffix: str = "") -> list[Path]:
    """The compiled forms of a module."""
    return sorted((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc{suffix}"))


def replace(node: Node, name: str, data: bytes, undo: Undo) -> None:
    """Keep the package's file beside, and put `data` in its place."""
    path = node.path(name)
    new = name not in node.ours()
    if not kept(path).exists():
        os.link(path, kept(path))
        if new:
            undo.append(lambda: kept(path).unlink(missing_ok=True))
    if new:
        node.begin(name)
        undo.append(lambda: node.end(name))
    old = path.read_bytes() if path.exists() else None
    stock = old == kept(path).read_bytes()
    for file in bytecode(path) if stock else ():
        _move(file, kept(file), undo)
    put(path, data, kept(path))
    if old is None:
        undo.append(path.unlink)
    elif stock:
        # The very file, with its times: the compiled forms stay good.
        undo.append(lambda: os.replace(kept(path), path))
    else:
        undo.append(lambda: put(path, old, kept(path)))
    for file in bytecode(path):
        file.unlink()


def restore(node: Node, name: str, installed: bool, undo: Undo) -> None:
    """Put the package's file back, with its compiled forms; without a package, leave nothing."""
    path = node.path(name)
    if kept(path).exists():
        ours = path.read_bytes() if path.exists() else None
        os.replace(kept(path), path)
        undo.append(lambda: _again(path, ours))
    elif not installed:
        path.unlink(missing_ok=True)
    _restore_bytecode(path, undo)
    node.end(name)
    undo.append(lambda: node.begin(name))
    if not installed:
        for directory in (path.parent / "__pycache__", *list(path.parents)[:3]):
            with contextlib.suppress(OSError):
                directory.rmdir()


def tidy(node: Node, name: str) -> None:
    """Remove what a killed run has left of a file that is not diverted."""
    path = node.path(name)
    beside(path).unlink(missing_ok=True)
    if kept(path).exists() and path.exists() and kept(path).samefile(path):
        kept(path).unlink()
    _restore_bytecode(path, [])


def _restore_bytecode(path: Path, undo: Undo) -> None:
    for file in bytecode(path):
        if not _fits(file, path):
            file.unlink()
    for file in bytecode(path, ".distrib"):
        if _fits(file, path):
            _move(file, file.with_suffix(""), undo)
        else:
            file.unlink()


def _move(old: Path, new: Path, undo: Undo) -> None:
    os.rename(old, new)
    undo.append(lambda: os.rename(new, old))


def _again(path: Path, ours: bytes | None) -> None:
    os.link(path, kept(path))
    if ours is None:
        path.unlink()
    else:
        put(path, ours, kept(path))


def _fits(compiled: Path, source: Path) -> bool:
    # Python's own rule: time and size of the source, in the head.
    if not source.exists():
        return False
    head, stat = compiled.read_bytes()[:16], source.stat()
    words = [int.from_bytes(head[i : i + 4], "little") for i in (4, 8, 12)]
    return words == [0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF]


@contextlib.contextmanager
def all_or_nothing() -> Iterator[Undo]:
    """If anything fails inside, what was done is taken back, last thing first."""
    undo: Undo = []
    try:
        yield undo
    except Exception as err:
        for step in reversed(undo):
            try:
                step()
            except Exception as second:
                raise Failed(f"{err}; then, taking it back: {second}; run it again") from err
        raise Failed(f"{err}; all was taken back") from err
