"""Errors of Ganeti's own Python library, which comes with Ganeti, as ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LIBRARY = "/usr/share/ganeti/default"


@contextmanager
def plain(cli: Any) -> Iterator[None]:
    """Ganeti's own errors as ours, in one line."""
    try:
        yield
    except Error:
        raise
    except ImportError as err:
        raise Error(f"Ganeti's Python library in {LIBRARY} cannot be used: {err}") from err
    except Exception as err:
        if cli is None or not type(err).__module__.startswith("ganeti."):
            raise
        _code, text = cli.FormatError(err)
        raise Error(" ".join(text.split())) from err
