"""The hook executable, 50-ovs: refuse before, tidy up after.

Ganeti tells what is going on by GANETI_HOOKS_PATH and GANETI_HOOKS_PHASE. A
failing pre hook stops the operation before anything is done; a failing post
hook is a warning. ganeti-watcher, every five minutes on every node, tells
nothing: it is known by its directory.

Hooks run twice in every job on every node, so each event imports what it needs and no more.
"""

from __future__ import annotations

import os
import sys

from ganeti_ovs.linux.ending import ended, stderr, trace
from ganeti_ovs.model.errors import Error


def main() -> int:
    """The hook's exit code; what is wrong goes to standard error, a line each."""
    return ended("the hook", _main, stderr)


def _main() -> int:
    environ = dict(os.environ)
    event = environ.get("GANETI_HOOKS_PATH", "") or os.path.basename(os.path.dirname(sys.argv[0]))
    try:
        problems = _problems(event, environ)
    except Error as err:
        trace()
        problems = [str(err)]
    for line in problems:
        stderr(line)
    return 1 if problems else 0


def _problems(event: str, environ: dict[str, str]) -> list[str]:
    if environ.get("GANETI_HOOKS_PHASE") == "pre":
        from ganeti_ovs.hooks.before import before

        return before(event, environ)
    if event == "cluster-verify":
        from ganeti_ovs.hooks.verify import verify

        return verify(environ)
    from ganeti_ovs.hooks.after import after

    return after(event, environ)
