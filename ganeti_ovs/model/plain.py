"""Frozen values as plain JSON, and back from JSON that somebody else has made.

For dataclasses whose fields are text, numbers, flags, enumerations of text, other such dataclasses,
tuples and dicts (by text) of these, or None. What is at its default is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ganeti_ovs.model.errors import BadInput, printable

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """The value as `json.dumps` takes it."""
    if is_dataclass(value):
        pairs = ((one, getattr(value, one.name)) for one in fields(value))
        return {one.name: to_plain(held) for one, held in pairs if held != _default(one)}
    if isinstance(value, Mapping):
        return {name: to_plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [to_plain(one) for one in value]
    return str(value) if isinstance(value, StrEnum) else value


def from_plain(kind: type[T], data: object) -> T:
    """What `to_plain` made of a `kind`. Text comes printable; fields that are not known are passed
    over, those that are missing have their default. Raises BadInput that names what is not right.
    """
    found: T = _value(kind, data, kind.__name__)
    return found


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _default(one: Field[Any]) -> Any:
    if one.default_factory is not MISSING:
        return one.default_factory()
    return one.default


def _value(kind: Any, data: object, what: str) -> Any:
    if isinstance(kind, UnionType):
        choices = get_args(kind)
        if data is None and NoneType in choices:
            return None
        (kind,) = (one for one in choices if one is not NoneType)
    if is_dataclass(kind):
        return _object(kind, data, what)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(data, list):
        return tuple(_value(arguments[0], one, what) for one in data)
    if origin is dict and isinstance(data, dict):
        return {printable(str(name)): _value(arguments[1], one, what) for name, one in data.items()}
    return _atom(kind, data, what)


def _atom(kind: Any, data: object, what: str) -> Any:
    if isinstance(kind, type):
        if issubclass(kind, StrEnum) and isinstance(data, str) and data in [*kind]:
            return kind(data)
        if kind is str and isinstance(data, str):
            return printable(data)
        if type(data) is kind:
            return data
    raise BadInput(f"{what} is no {getattr(kind, '__name__', kind)}")


def _object(kind: Any, data: object, what: str) -> Any:
    if not isinstance(data, dict):
        raise BadInput(f"{what} is no {kind.__name__}")
    found = {}
    for one in fields(kind):
        if one.name in data:
            hint = _hints(kind)[one.name]
            found[one.name] = _value(hint, data[one.name], f"{what}.{one.name}")
        elif _default(one) is MISSING:
            raise BadInput(f"{what} has no {one.name}")
    return kind(**found)
