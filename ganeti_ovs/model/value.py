"""Frozen value classes that cost nothing to import.

NOTE: `dataclasses` imports `inspect` and `typing` imports half of the standard
library: 7 ms and 5 ms, each as much as the interpreter's own start. The way of
one tap is about 15 ms in all, so its values are made by these few lines; to
mypy they are dataclasses.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import dataclass_transform


class _Frozen:
    """Base class: the names that a subclass annotates become fields, in their order.

    Gives `__init__` (positional or keyword, class attributes are defaults),
    `==`, `hash` and `repr` by the fields. Assignment raises AttributeError.
    Inheritance of fields is not supported.

    NOTE: a class decorator that does the same takes as long as the class itself does.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        names = cls.__annotations__
        values = dict(zip(names, args, strict=False), **kwargs)
        wrong = len(values) != len(args) + len(kwargs)
        for name in names:
            if name not in values and name in cls.__dict__:
                values[name] = cls.__dict__[name]
        if wrong or values.keys() != names.keys():
            raise TypeError(f"{cls.__name__} takes {', '.join(names)}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def _fields(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in type(self).__annotations__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Frozen) or type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        fields = zip(type(self).__annotations__, self._fields(), strict=True)
        inside = ", ".join(f"{name}={value!r}" for name, value in fields)
        return f"{type(self).__name__}({inside})"


if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True)
    class Frozen:
        """What `_Frozen` is to mypy."""

else:
    Frozen = _Frozen
