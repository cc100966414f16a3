"""Frozen value classes that cost nothing to import.

NOTE: `dataclasses` imports `inspect` and `typing` imports half of the standard
library: 7 ms and 5 ms, each as much as the interpreter's own start. The way of
one tap is about 15 ms in all, so its values are made by these few lines; to
mypy they are dataclasses.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from typing_extensions import dataclass_transform

    T = TypeVar("T")


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    cls = type(self)
    names = cls._names
    if len(args) > len(names):
        raise TypeError(f"{cls.__name__} takes {len(names)} values, not {len(args)}")
    values = {**cls._defaults, **dict(zip(names, args, strict=False)), **kwargs}
    if values.keys() != set(names) or kwargs.keys() & set(names[: len(args)]):
        raise TypeError(f"{cls.__name__} takes {', '.join(names)}")
    self.__dict__.update(values)


def _set(self: Any, name: str, value: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")


def _delete(self: Any, name: str) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")


def _fields(self: Any) -> tuple[Any, ...]:
    return tuple(self.__dict__[name] for name in self._names)


def _equal(self: Any, other: object) -> bool:
    return _fields(self) == _fields(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_fields(self))


def _repr(self: Any) -> str:
    inside = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._names)
    return f"{type(self).__name__}({inside})"


_METHODS = (
    ("__init__", _init), ("__setattr__", _set), ("__delattr__", _delete), ("__eq__", _equal),
    ("__hash__", _hash), ("__repr__", _repr),
)  # fmt: skip


def _frozen(cls: Any) -> Any:
    """Class decorator: annotated names become fields, in their order.

    Gives `__init__` (positional or keyword, class attributes are defaults),
    `==`, `hash` and `repr` by the fields. Assignment raises AttributeError.
    Inheritance of fields is not supported.
    """
    cls._names = tuple(cls.__annotations__)
    cls._defaults = {name: getattr(cls, name) for name in cls._names if hasattr(cls, name)}
    # The same for all classes: functions of their own would take as long as the rest.
    for name, method in _METHODS:
        setattr(cls, name, method)
    return cls


if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True)
    def frozen(cls: type[T]) -> type[T]:
        """What `_frozen` is to mypy."""
        return cls

else:
    frozen = _frozen
