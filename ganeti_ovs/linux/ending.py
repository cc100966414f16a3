"""How each of our programs ends, whatever happens: an exit code, and one line for people."""

from __future__ import annotations

import os
import sys

from ganeti_ovs.model.errors import Error, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
else:
    # NOTE: signal's own module makes enums of its constants when imported, as socket's does.
    import _signal as signal


class Terminated(BaseException):
    """SIGTERM has come. No Exception, so that what was begun is taken back, and nothing goes on."""


def ended(program: str, main: Callable[[], int], say: Callable[[str], object]) -> int:
    """The exit code of `main`; whatever it raises is one line, told by `say`, and exit code 1.

    With GANETI_OVS_DEBUG=1 in the environment, the traceback with all causes goes before.
    `program` is what wants to be named as having been ended.
    """
    try:
        signal.signal(signal.SIGTERM, _terminate)
        return main()
    except Error as err:
        trace()
        say(str(err))
    except (KeyboardInterrupt, Terminated) as err:
        what = "SIGTERM" if isinstance(err, Terminated) else "SIGINT"
        say(f"{program} was ended by {what}")
    except ModuleNotFoundError as err:
        trace()
        say(f"{err} on this node; README.md of ganeti-ovs says which Debian packages it needs")
    except Exception as err:
        trace()
        say(unexpected(err))
    return 1


def unexpected(err: Exception) -> str:
    """What is said of a fault of our own."""
    text = quoted(str(err), 200)[1:-1]
    return (
        f"unexpected {type(err).__name__}: {text}; please report it;"
        " GANETI_OVS_DEBUG=1 in the environment shows where"
    )


def trace() -> None:
    """Show where the error that is being handled is from, and what caused it, if that is wanted."""
    if os.environ.get("GANETI_OVS_DEBUG") == "1":
        from traceback import print_exc

        print_exc()


def stderr(line: str) -> None:
    """The line, with our name, on standard error, if there is one."""
    try:  # noqa: SIM105
        print(f"ganeti-ovs: {line}", file=sys.stderr)
    except (OSError, ValueError, AttributeError):
        pass  # It is closed or full; there is nobody else to tell.


def _terminate(_number: int, _frame: object) -> None:
    raise Terminated
