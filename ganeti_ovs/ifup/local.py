"""The script that the administrator had in our place before: `<our file>.local`."""

from __future__ import annotations

import os

from ganeti_ovs.model.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Environment = dict[str, str]

_ENOEXEC = 8


def local_script(script: str) -> str | None:
    """The path of the administrator's own script beside `script`, if there is one."""
    local = script + ".local"
    return local if os.access(local, os.X_OK) else None


def run(local: str, arguments: list[str], environ: Environment) -> int:
    """Run it and return its exit code (128 + signal if one ended it).

    Raises Error when it cannot be executed.
    """
    try:
        child = os.posix_spawn(local, [local, *arguments], environ)
    except (OSError, ValueError) as err:
        raise _not_executed(local, err) from err
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def replace_by(local: str, arguments: list[str], environ: Environment) -> NoReturn:
    """Become it: for what is none of our business. Raises Error."""
    become(local, [local, *arguments], environ)


def become(program: str, words: list[str], environ: Environment) -> NoReturn:
    """Become `program`, with `words` as its arguments, its name first. Raises Error."""
    try:
        os.execve(program, words, environ)
    except (OSError, ValueError) as err:
        raise _not_executed(program, err) from err


def _not_executed(program: str, err: Exception) -> Error:
    why = getattr(err, "strerror", None) or str(err)
    if getattr(err, "errno", 0) == _ENOEXEC:
        why += "; a script must begin with #! and its interpreter"
    return Error(f"{program} cannot be executed: {why}")
