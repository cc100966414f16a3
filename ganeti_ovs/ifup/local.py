"""The script that the administrator had in our place before: `<our file>.local`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Environment = dict[str, str]


def local_script(script: str) -> str | None:
    """The path of the administrator's own script beside `script`, if there is one."""
    local = script + ".local"
    return local if os.access(local, os.X_OK) else None


def run(local: str, arguments: list[str], environ: Environment) -> int:
    """Run it and return its exit code (128 + signal if one ended it)."""
    child = os.posix_spawn(local, [local, *arguments], environ)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def replace_by(local: str, arguments: list[str], environ: Environment) -> NoReturn:
    """Become it: for what is none of our business."""
    os.execve(local, [local, *arguments], environ)
