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


def _frozen(cls: type[T]) -> type[T]:
    """Class decorator: annotated names become fields, in their order.

    Gives `__init__` (positional or keyword, class attributes are defaults),
    `==`, `hash` and `repr` by the fields. Assignment raises AttributeError.
    Inheritance of fields is not supported.
    """
    names = tuple(cls.__annotations__)
    defaults = {name: getattr(cls, name) for name in names if hasattr(cls, name)}

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > len(names):
            raise TypeError(f"{cls.__name__} takes {len(names)} values, not {len(args)}")
        values = {**defaults, **dict(zip(names, args, strict=False)), **kwargs}
        if values.keys() != set(names) or kwargs.keys() & set(names[: len(args)]):
            raise TypeError(f"{cls.__name__} takes {', '.join(names)}")
        self.__dict__.update(values)

    def __setattr__(self: Any, name: str, value: object) -> None:
        raise AttributeError(f"{cls.__name__} is frozen: {name} cannot be set")

    def __delattr__(self: Any, name: str) -> None:
        raise AttributeError(f"{cls.__name__} is frozen: {name} cannot be deleted")

    def fields(self: Any) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in names)

    def __eq__(self: Any, other: object) -> bool:
        return fields(self) == fields(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(fields(self))

    def __repr__(self: Any) -> str:
        inside = ", ".join(f"{name}={self.__dict__[name]!r}" for name in names)
        return f"{cls.__name__}({inside})"

    for method in (__init__, __setattr__, __delattr__, __eq__, __hash__, __repr__):
        setattr(cls, method.__name__, method)
    return cls


if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True)
    def frozen(cls: type[T]) -> type[T]:
        """What `_frozen` is to mypy."""
        return cls

else:
    frozen = _frozen
