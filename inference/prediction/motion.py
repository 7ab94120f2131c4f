"""How a keypoint moves, and how far a new pose is believed: the filters' mathematics.

A filter takes a keypoint's acceleration as noise that fades within `FADING_S` (a
limb's push does not last), and each pose as a place with noise of variance 1; what
really is 1 (px²) is learnt from the poses. Its one setting is how fast it follows:
a quick filter believes each new pose and has the velocity from the last few of them,
a slow one averages over many. For frames a given interval apart a Kalman filter's
gains settle at values that depend on that interval alone. They are worked out here
once for all intervals, so that a pose costs no covariances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FADING_S",
    "FILTERS",
    "FOLLOWING_S",
    "Settled",
    "fading",
    "settled",
    "spread",
]

FOLLOWING_S = (0.004, 0.012, 0.04, 0.12)
"""How fast each filter follows: about the time over which it averages."""
FILTERS = len(FOLLOWING_S)
FADING_S = 0.02
"""Time in which an acceleration fades, unless the poses say that it goes on."""

_JERK = np.array([[time_s**-5] for time_s in FOLLOWING_S])
"""(filters, 1) px²/s⁵ per px² of a pose's noise: the noise of the acceleration."""
_SHORTEST_S, _LONGEST_S, _STEP = 5e-4, 2.0, 1.05
"""Intervals for which gains are worked out, and the factor from one to the next."""
_PER_STEP = 1.0 / math.log(_STEP)
_DOUBLINGS = 24
_POSITION = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What the filters settle at for poses a given interval apart."""

    variance: NDArray[np.float64]
    """(filters, 1): of a pose about where it was expected, for a noise of 1."""
    gain: NDArray[np.float64]
    """(3 filters, filters): what a px of that difference adds to each filter's place,
    then to each one's velocity px/s, then to each one's acceleration px/s²."""
    known: NDArray[np.float64]
    """(filters, 7): covariance once a pose was taken in (place², place × velocity,
    place × acceleration, velocity², velocity × acceleration, acceleration²), and
    what the jerk adds to it with the fifth power of time."""

    def doubted(self, times: float) -> Settled:
        """Return what they make of a pose with so many times the usual noise."""
        variance = self.variance + (times - 1.0)
        share = np.tile((self.variance / variance)[:, 0], 3)[:, np.newaxis]
        return Settled(variance, self.gain * share, self.known)


def fading(time_s: float) -> tuple[float, float, float]:
    """Return what an acceleration of 1 makes of place, velocity and itself."""
    left = math.exp(-time_s / FADING_S)
    velocity = FADING_S * (1.0 - left)
    return FADING_S * (time_s - velocity), velocity, left


def settled(interval_s: float) -> Settled:
    """Return the filters' gains for a pose so long after the last one."""
    table = _table()
    index = round(math.log(max(interval_s / _SHORTEST_S, 1.0)) * _PER_STEP)
    return table[min(index, len(table) - 1)]


def spread(known: NDArray[np.float64], time_s: float) -> NDArray[np.float64]:
    """Return the variance of the place a time after the last pose, (filters, 1)."""
    place = fading(time_s)[0]
    twice, square = 2.0 * time_s, time_s * time_s
    ahead = (1.0, twice, 2.0 * place, square, twice * place, place * place)
    return known.dot((*ahead, square * square * time_s))[:, np.newaxis]


@cache
def _table() -> tuple[Settled, ...]:
    """Solve for all intervals and filters at once; takes some 10 ms, once."""
    count = math.ceil(math.log(_LONGEST_S / _SHORTEST_S) / math.log(_STEP)) + 1
    intervals_s = _SHORTEST_S * _STEP ** np.arange(count)
    expected = _expected(intervals_s)
    rows: list[Settled] = []
    for interval_s, covariance in zip(intervals_s, expected, strict=True):
        # back from units of the interval to seconds
        units = np.array([1.0, 1.0 / interval_s, interval_s**-2])
        before = covariance * units[:, np.newaxis] * units
        variance = before[:, 0, 0] + 1.0
        gain = before[:, 0] / variance[:, np.newaxis]
        known = before - gain[:, :, np.newaxis] * before[:, np.newaxis, 0]
        upper = np.concatenate([known[:, *np.triu_indices(3)], _JERK / 20.0], axis=1)
        each = np.eye(FILTERS) * gain.T[:, np.newaxis]
        rows.append(
            Settled(variance[:, np.newaxis], each.reshape(3 * FILTERS, -1), upper)
        )
    return tuple(rows)


def _expected(intervals_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the settled covariance before a pose, (intervals, filters, 3, 3).

    In units of the interval, where all numbers are near 1. It solves the Riccati
    equation by doubling: each round makes up for as many poses as all before.
    """
    shape = (len(intervals_s), FILTERS, 3, 3)
    transition = np.empty(shape)
    for k, interval_s in enumerate(intervals_s):
        place, velocity, left = fading(interval_s)
        transition[k] = (
            (1.0, 1.0, place / interval_s**2),
            (0.0, 1.0, velocity / interval_s),
            (0.0, 0.0, left),
        )
    jerk = (_JERK[:, 0] * intervals_s[:, np.newaxis] ** 5)[..., np.newaxis, np.newaxis]
    noise = np.array([[1 / 20, 1 / 8, 1 / 6], [1 / 8, 1 / 3, 1 / 2], [1 / 6, 1 / 2, 1]])
    forth = transition.swapaxes(-1, -2)
    seen = np.broadcast_to(np.outer(_POSITION, _POSITION), shape)
    covariance = jerk * noise
    for _ in range(_DOUBLINGS):
        solved = np.linalg.inv(np.eye(3) + seen @ covariance)
        through = forth @ solved
        back = forth.swapaxes(-1, -2)
        covariance = covariance + back @ covariance @ solved @ forth
        seen = seen + through @ seen @ back
        forth = through @ forth
    return covariance
