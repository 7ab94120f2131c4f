"""Whether a polygon has an inside: corners not on one line, sides that do not cross."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fault_of_polygon"]

Corner = tuple[float, float]


def fault_of_polygon(corners: Sequence[Corner]) -> str:
    """Return what keeps a polygon from having an inside; empty where nothing does.

    Parameters
    ----------
    corners
        Three or more, in order; the last is joined to the first.
    """
    n = len(corners)
    around = [(corners[k], corners[(k + 1) % n]) for k in range(n)]
    if all(_turn(corners[0], a, b) == 0 for a, b in around):
        return f"expected corners that are not all on one line, got {_shown(corners)}"
    for k, m in combinations(range(n), 2):
        neighbours = m - k in {1, n - 1}
        if not neighbours and _cross(around[k], around[m]):
            return (
                f"expected sides that do not cross, got {_shown(around[k])} and "
                f"{_shown(around[m])}: give the corners in order"
            )
    return ""


def _cross(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    """Tell whether two sides have more than an end in common."""
    (a, b), (c, d) = one, other
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    """Return twice the area of a triangle, with the sign of its turn."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _shown(corners: Sequence[Corner]) -> str:
    return "–".join(f"({x:g}, {y:g})" for x, y in corners)
