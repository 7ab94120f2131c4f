"""What a condition asks of single quantities, and whether that can ever be. Pure.

A condition asks that quantities lie between bounds; two that ask for the same quantity
can contradict each other, or what there is at all: no picture has a pixel -5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from rig.config.rules import (
    All,
    Angle,
    Crosses,
    Custom,
    Distance,
    Enters,
    FeatureCrosses,
    Held,
    Not,
    Speed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rig.config.rules import Leaf, When

__all__ = ["Bound", "Picture", "bounds", "natural", "opposite", "unmet"]

Picture = tuple[int, int]
"""Width and height, px."""


class Bound(NamedTuple):
    """Between what a quantity must lie."""

    quantity: str
    """In words; the same words are the same quantity."""
    low: float
    high: float
    closed: bool = True
    """Whether the ends themselves will do."""

    def meets(self, other: Bound) -> bool:
        """Return whether a value can be within both."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return low < high or (low == high and self.has(low) and other.has(low))

    def has(self, value: float) -> bool:
        """Return whether a value lies between."""
        if self.closed:
            return self.low <= value <= self.high
        return self.low < value < self.high

    def within(self, other: Bound) -> bool:
        """Return whether each of its values is within the other one."""
        return other.low <= self.low and self.high <= other.high


def bounds(when: When) -> tuple[Bound, ...]:
    """Return what must be for a condition to hold; empty where that is not simple."""
    match when:
        case All():
            return tuple(bound for part in when.of for bound in bounds(part))
        case Held():
            return bounds(when.of)
        case Not():
            mine = bounds(when.of)
            return opposite(mine[0]) if len(mine) == 1 else ()
        case Crosses() | Enters() | Speed() | Distance() | Angle() | FeatureCrosses():
            return tuple(_of_leaf(when))
        case _:
            return ()


def opposite(bound: Bound) -> tuple[Bound, ...]:
    """Return where a quantity lies that is not within a bound; empty of two parts."""
    quantity, low, high, closed = bound
    if math.isinf(low) and math.isinf(high):
        return ()
    if math.isinf(low):
        return (Bound(quantity, high, math.inf, not closed),)
    if math.isinf(high):
        return (Bound(quantity, -math.inf, low, not closed),)
    return ()


def unmet(found: Iterable[Bound]) -> tuple[Bound, Bound] | None:
    """Return two bounds that cannot be met together; None if all can."""
    known: dict[str, list[Bound]] = {}
    for bound in found:
        for other in known.setdefault(bound.quantity, []):
            if not bound.meets(other):
                return other, bound
        known[bound.quantity].append(bound)
    return None


def natural(leaf: Leaf, picture: Picture | None) -> tuple[Bound, ...]:
    """Return between what the quantities of a condition lie anyway.

    Parameters
    ----------
    leaf
        The condition.
    picture
        Of its camera; None where that is not known.
    """
    if isinstance(leaf, Distance | Speed):
        return tuple(bound._replace(low=0, high=math.inf, closed=True)
                     for bound in _of_leaf(leaf))  # fmt: skip
    if isinstance(leaf, Angle):
        return tuple(bound._replace(low=0, high=180, closed=True)
                     for bound in _of_leaf(leaf))  # fmt: skip
    if picture is None or not isinstance(leaf, Crosses | Enters):
        return ()
    if isinstance(leaf, Crosses) and leaf.threshold_px is None:
        return ()
    minus = isinstance(leaf, Crosses) and leaf.minus is not None
    found: list[Bound] = []
    for bound in _of_leaf(leaf):
        size = picture[0] if bound.quantity.startswith("the x") else picture[1]
        low = -float(size) if minus else 0.0
        found.append(bound._replace(low=low, high=float(size), closed=True))
    return tuple(found)


def _of_leaf(leaf: Leaf) -> Iterator[Bound]:
    match leaf:
        case Crosses():
            value = (
                leaf.threshold_mm if leaf.threshold_px is None else leaf.threshold_px
            )
            than = f" minus that of {leaf.minus}" if leaf.minus else ""
            unit = "mm" if leaf.threshold_px is None else "px"
            quantity = (
                f"the {leaf.axis} of {leaf.keypoint}{than} ({unit}, {leaf.points})"
            )
            yield _beyond(quantity, value or 0.0, leaf.direction)
        case Enters():
            x0, y0, x1, y1 = leaf.bounds_px
            yield Bound(f"the x of {leaf.keypoint} (px, {leaf.points})", x0, x1)
            yield Bound(f"the y of {leaf.keypoint} (px, {leaf.points})", y0, y1)
        case Speed():
            unit = "mm/s" if leaf.above_px_per_s is None else "px/s"
            value = leaf.above_px_per_s or leaf.above_mm_per_s or 0.0
            quantity = f"the speed of {leaf.keypoint} ({unit}, {leaf.points})"
            yield Bound(quantity, value, math.inf, closed=False)
        case Distance():
            yield _of_distance(leaf)
        case Angle():
            ends = " and ".join(sorted((leaf.joint[0], leaf.joint[2])))
            form = leaf.space if leaf.space == "mm" else leaf.points
            quantity = f"the angle at {leaf.joint[1]} between {ends} ({form})"
            yield _between(quantity, leaf.above_deg, leaf.below_deg)
        case FeatureCrosses():
            yield _beyond(leaf.feature, leaf.threshold, leaf.direction)
        case Custom():
            pass


def _of_distance(leaf: Distance) -> Bound:
    in_space = leaf.above_mm is not None or leaf.below_mm is not None
    unit = "mm" if in_space else "px"
    one, other = sorted(leaf.between)
    above = leaf.above_mm if in_space else leaf.above_px
    below = leaf.below_mm if in_space else leaf.below_px
    quantity = f"the distance of {one} and {other} ({unit}, {leaf.points})"
    return _between(quantity, above, below)


def _beyond(quantity: str, value: float, direction: str) -> Bound:
    if direction == "rising":
        return Bound(quantity, value, math.inf)
    return Bound(quantity, -math.inf, value)


def _between(quantity: str, above: float | None, below: float | None) -> Bound:
    if above is not None:
        return Bound(quantity, above, math.inf, closed=False)
    return Bound(quantity, -math.inf, below or 0.0, closed=False)
