"""Conditions on keypoints: coordinates, regions, speeds, distances, angles. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from inference.rules.scene import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.rules.scene import Points, Scene, Seen, Spec

__all__ = ["KeypointCondition", "Side", "SpeedCondition", "depth_in_box",
           "depth_in_polygon", "unknown"]  # fmt: skip


class Side(NamedTuple):
    """On which side of its threshold a value must be."""

    sign: int
    """1 above, -1 below."""
    inclusive: bool
    """Whether the threshold itself is on that side."""

    def holds(self, value: float, threshold: float) -> bool:
        """Tell whether a value is on that side; NaN never is."""
        beyond = self.sign * (value - threshold)
        return beyond >= 0 if self.inclusive else beyond > 0


@dataclass(frozen=True, slots=True)
class KeypointCondition:
    """A number that is made of some keypoints of one pose, against a threshold."""

    form: str
    """raw, smoothed, predicted or space."""
    rows: tuple[int, ...]
    """Of the keypoints."""
    measure: Callable[[Points], float]
    """Makes the number of the keypoints, in the order of the rows."""
    side: Side
    spec: Spec
    min_likelihood: float

    def begin(self) -> None:
        """Return nothing: a pose stands for itself."""

    def look(self, scene: Scene, memory: None) -> tuple[Reading, None]:
        """Return the number at a scene."""
        del memory
        seen = scene.seen.get(self.form)
        if seen is None:
            return unknown(self.spec, scene.at_ns), None
        points = [seen.points[row] for row in self.rows]
        likelihood = min(point[-1] for point in points)
        finite = all(math.isfinite(sum(point[:-1])) for point in points)
        value = self.measure(points) if finite else math.nan
        over = self.side.holds(value, self.spec.threshold)
        # written so that NaN is not trusted
        likely = all(point[-1] >= self.min_likelihood for point in points)
        trusted = likely and math.isfinite(value)
        return (
            Reading(over, trusted, likelihood, value, seen.exposure_ns, self.spec),
            None,
        )


class _Trace(NamedTuple):
    """A keypoint when it could last be trusted."""

    place: tuple[float, ...]
    at_ns: int
    """When it was, or will be, there."""
    exposure_ns: int


@dataclass(frozen=True, slots=True)
class SpeedCondition:
    """How fast a keypoint moves, by the times at which it is where it is seen.

    These are exposures; of predicted points, the times that they are predicted for.
    """

    form: str
    row: int
    side: Side
    spec: Spec
    min_likelihood: float

    def begin(self) -> _Trace | None:
        """Return that it was nowhere yet."""
        return None

    def look(
        self, scene: Scene, memory: _Trace | None
    ) -> tuple[Reading, _Trace | None]:
        """Return the mean speed since the last pose that could be trusted."""
        seen = scene.seen.get(self.form)
        if seen is None:
            return unknown(self.spec, scene.at_ns), memory
        *place, likelihood = seen.points[self.row]
        trusted = likelihood >= self.min_likelihood and math.isfinite(sum(place))
        at_ns = seen.exposure_ns + seen.ahead_ns
        value = None if memory is None else _speed(place, at_ns, seen, memory)
        reading = Reading(
            over=value is not None and self.side.holds(value, self.spec.threshold),
            trusted=trusted and value is not None,
            likelihood=likelihood,
            value=value,
            exposure_ns=seen.exposure_ns,
            spec=self.spec,
        )
        here = _Trace(tuple(place), at_ns, seen.exposure_ns)
        return reading, here if trusted else memory


def _speed(
    place: Sequence[float], at_ns: int, seen: Seen, before: _Trace
) -> float | None:
    """Return the speed since a pose; None where the times do not tell one."""
    exposed_ns = seen.exposure_ns - before.exposure_ns
    passed_ns = at_ns - before.at_ns
    # after a pose that came late, the next is predicted for hardly later than it: by
    # so short a time the errors of both predictions would look like a run
    if exposed_ns <= 0 or 2 * passed_ns < exposed_ns:
        return None
    return math.dist(place, before.place) * 1e9 / passed_ns


def unknown(spec: Spec, at_ns: int) -> Reading:
    """Return the reading of a condition that cannot be told."""
    return Reading(
        over=False,
        trusted=False,
        likelihood=0.0,
        value=None,
        exposure_ns=at_ns,
        spec=spec,
    )


def depth_in_box(points: Points, box: tuple[float, float, float, float]) -> float:
    """Return how far inside a rectangle a keypoint is; negative outside.

    Examples
    --------
    >>> depth_in_box([[12.0, 30.0, 1.0]], (10, 20, 30, 40))
    2.0
    """
    x, y = points[0][:2]
    x0, y0, x1, y1 = box
    return min(x - x0, x1 - x, y - y0, y1 - y)


def depth_in_polygon(points: Points, corners: Sequence[tuple[float, float]]) -> float:
    """Return the distance to a polygon's nearest side; negative outside.

    A point is inside if a ray from it crosses an odd number of sides.

    Examples
    --------
    >>> depth_in_polygon([[5.0, 1.0, 1.0]], [(0, 0), (10, 0), (10, 10), (0, 10)])
    1.0
    """
    x, y = points[0][:2]
    inside, nearest = False, math.inf
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
        along_x, along_y = x1 - x0, y1 - y0
        length2 = along_x**2 + along_y**2
        part = ((x - x0) * along_x + (y - y0) * along_y) / length2 if length2 else 0.0
        part = min(1.0, max(0.0, part))
        nearest = min(
            nearest, math.hypot(x - x0 - part * along_x, y - y0 - part * along_y)
        )
    return nearest if inside else -nearest
