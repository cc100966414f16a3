"""How a script of Ganeti's ends: with one line when it fails, and then with nothing attached."""

from __future__ import annotations

from ganeti_ovs.cluster.environment import said_in
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.ifup import local, nic
from ganeti_ovs.linux.ending import Terminated, ended, unexpected
from ganeti_ovs.model.errors import Error
from ganeti_ovs.node import tap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Environment = dict[str, str]


def of(main: Callable[[], int], environ: Environment, *, attaches: bool) -> int:
    """The exit code of `main`. What it raises is told; where it `attaches`, that is undone."""

    def guarded() -> int:
        try:
            return main()
        except Error:
            raise
        except (KeyboardInterrupt, Terminated) as err:
            left = _undo(environ) if attaches else ""
            if left:
                raise Error(f"the call was ended by a signal{left}") from err
            raise
        except Exception as err:
            line = unexpected(err)
            raise Error(line + (_undo(environ) if attaches else "")) from err

    return ended("the call", guarded, lambda line: nic.say(said_in(environ), line))


def of_script(script: str, arguments: list[str], environ: Environment) -> int:
    """The exit code of the administrator's script: 1, and a line, if it cannot be executed."""
    try:
        return local.run(script, arguments, environ)
    except Error as err:
        return nic.fail(said_in(environ), err)


def _undo(environ: Environment) -> str:
    """Detach what this call may have attached; a word that may follow the error."""
    try:
        tap.take_back(runtime(environ), said_in(environ))
        return nic.give_up(environ)
    except Exception:
        return "; its port may be left: gnt-ovs reconcile"
