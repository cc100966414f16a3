from __future__ import annotations

import pytest

from ganeti_ovs.model.value import Frozen


class Point(Frozen):
    x: int
    y: int = 0


def test_like_a_frozen_dataclass() -> None:
    assert Point(1) == Point(x=1, y=0) != Point(1, 1)
    assert hash(Point(1)) == hash(Point(1, 0))
    assert repr(Point(1, y=2)) == "Point(x=1, y=2)"
    assert Point(1) != (1, 0)  # type: ignore[comparison-overlap]
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del Point(1).x


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})]
)
def test_wrong_arguments(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(*args, **kwargs)
