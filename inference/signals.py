"""What a rule looks at: keypoints in, one number and a yes or no out. Pure.

A signal has no memory of its own: what it needs of the pose before is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rig.config.task import Crosses, Enters, Speed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rig.config.task import When

__all__ = [
    "CrossesSignal",
    "EntersSignal",
    "Measured",
    "Points",
    "Signal",
    "SpeedSignal",
    "Trace",
    "keypoints_of",
    "make_signal",
]

Points = list[list[float]]
"""A pose as plain numbers: [x px, y px, likelihood] for each body part."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a rule keeps of the last pose that it could trust."""

    x_px: float
    y_px: float
    exposure_ns: int
    value: float | None
    """The signal then; None when it had none yet."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A signal at one pose."""

    x_px: float
    """Where the rule's keypoint is."""
    y_px: float
    likelihood: float
    """The lowest one of the keypoints that the signal uses."""
    value: float | None
    """In the signal's unit; None while there is nothing to compare with."""
    over: bool
    """Whether the rule's condition holds, however likely the keypoints are."""


class Signal(Protocol):
    """One kind of `when` in a rule."""

    @property
    def threshold(self) -> float:
        """What the value is compared with."""
        ...

    @property
    def unit(self) -> str:
        """Unit of value and threshold."""
        ...

    @property
    def words(self) -> str:
        """What the value is, for the cause of a decision."""
        ...

    def measure(
        self, points: Points, exposure_ns: int, trace: Trace | None
    ) -> Measured:
        """Return the signal at a pose, given the last one that could be trusted."""
        ...


@dataclass(frozen=True, slots=True)
class CrossesSignal:
    """A coordinate, or its difference to another keypoint's, against a line."""

    keypoint: int
    minus: int | None
    axis: int
    """0 for x, 1 for y."""
    sign: int
    """1 when the far side is above the line, -1 when below."""
    threshold: float
    words: str
    unit: str = "px"

    def measure(
        self, points: Points, exposure_ns: int, trace: Trace | None
    ) -> Measured:
        """Return the coordinate; `over` is on the line or beyond it."""
        del exposure_ns, trace
        point = points[self.keypoint]
        value, likelihood = point[self.axis], point[2]
        if self.minus is not None:
            other = points[self.minus]
            value -= other[self.axis]
            likelihood = min(likelihood, other[2])
        over = self.sign * value >= self.sign * self.threshold
        return Measured(point[0], point[1], likelihood, value, over)


@dataclass(frozen=True, slots=True)
class EntersSignal:
    """How far inside a rectangle a keypoint is; negative outside."""

    keypoint: int
    region_px: tuple[float, float, float, float]
    words: str
    threshold: float = 0.0
    unit: str = "px"

    def measure(
        self, points: Points, exposure_ns: int, trace: Trace | None
    ) -> Measured:
        """Return the distance to the nearest side; `over` is inside or on it."""
        del exposure_ns, trace
        x, y, likelihood = points[self.keypoint]
        x0, y0, x1, y1 = self.region_px
        depth = min(x - x0, x1 - x, y - y0, y1 - y)
        over = x0 <= x <= x1 and y0 <= y <= y1
        return Measured(x, y, likelihood, depth, over)


@dataclass(frozen=True, slots=True)
class SpeedSignal:
    """How fast a keypoint moves, by exposure times."""

    keypoint: int
    threshold: float
    words: str
    unit: str = "px/s"

    def measure(
        self, points: Points, exposure_ns: int, trace: Trace | None
    ) -> Measured:
        """Return the mean speed since the last pose that could be trusted."""
        x, y, likelihood = points[self.keypoint]
        elapsed_ns = 0 if trace is None else exposure_ns - trace.exposure_ns
        if trace is None or elapsed_ns <= 0:
            return Measured(x, y, likelihood, None, False)
        way_px = math.hypot(x - trace.x_px, y - trace.y_px)
        speed = way_px * 1e9 / elapsed_ns
        return Measured(x, y, likelihood, speed, speed > self.threshold)


def make_signal(when: When, index: Callable[[str], int]) -> Signal:
    """Return the signal of a rule's `when`; `index` finds a body part's row."""
    match when:
        case Crosses():
            way = "rose" if when.direction == "rising" else "fell"
            than = f" - {when.minus}" if when.minus else ""
            return CrossesSignal(
                keypoint=index(when.keypoint),
                minus=None if when.minus is None else index(when.minus),
                axis="xy".index(when.axis),
                sign=1 if when.direction == "rising" else -1,
                threshold=when.threshold_px,
                words=f"{when.axis} of {when.keypoint}{than} {way}",
            )
        case Enters():
            return EntersSignal(
                keypoint=index(when.keypoint),
                region_px=when.region_px,
                words=f"depth of {when.keypoint} in the region went",
            )
        case Speed():
            return SpeedSignal(
                keypoint=index(when.keypoint),
                threshold=when.above_px_per_s,
                words=f"speed of {when.keypoint} went",
            )


def keypoints_of(when: When) -> Sequence[str]:
    """Return the names of the keypoints that a rule's `when` uses."""
    minus = when.minus if isinstance(when, Crosses) else None
    return [when.keypoint] if minus is None else [when.keypoint, minus]
