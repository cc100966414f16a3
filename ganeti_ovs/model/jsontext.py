"""JSON text to values and back, by CPython's own C code without the `json` package around it.

NOTE: importing `json` imports `re`, and with it `enum`, `functools` and
`collections`: 6 ms, a third of the way of one tap. The scanner and the encoder
that it wraps are a module of their own; where a Python lacks them or has them
in another shape, `json` itself is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Plain:
    """The settings of `json.JSONDecoder()`."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _from_c() -> tuple[Callable[[str, int], tuple[Any, int]], Callable[[Any], str]]:
    import _json

    scan = _json.make_scanner(_Plain)  # type: ignore[arg-type]
    text = _json.encode_basestring_ascii
    # markers, default, encoder, indent, separators, sort_keys, skipkeys, allow_nan
    encode = _json.make_encoder(None, _unknown, text, None, ":", ",", False, False, False)

    def dumps(value: Any) -> str:
        return "".join(encode(value, 0))

    if scan('[{"a": 1.5}]', 0) != ([{"a": 1.5}], 12) or dumps([{"a": [1]}]) != '[{"a":[1]}]':
        raise ImportError("_json is not what it was")
    return scan, dumps


def _from_json() -> tuple[Callable[[str, int], tuple[Any, int]], Callable[[Any], str]]:
    import json

    return json.JSONDecoder().raw_decode, json.dumps


def _unknown(value: object) -> str:
    raise TypeError(f"{type(value).__name__} is no JSON value")


try:
    _scan, dumps = _from_c()
except (ImportError, AttributeError, TypeError):
    _scan, dumps = _from_json()


def values(text: str) -> tuple[list[Any], int]:
    """The complete JSON values that `text` begins with, and where the rest starts.

    The rest is the beginning of a value that has not come wholly, or empty.
    """
    position, found = 0, []
    while position < len(text):
        try:
            value, position = _scan(text, position)
        except (StopIteration, ValueError, SystemError):
            # NOTE: SystemError is what the C code makes of its own error while `json`, whose
            # exception it wants, is not imported.
            break
        found.append(value)
    return found, position
