"""Smooth periodic paths with exact derivatives, from which all motion is made.

A path is a chain of quintic polynomials through knots of known position, velocity
and acceleration. Free flight is a parabola, so a quintic follows it exactly, and
a force that is the second derivative of such a path integrates to its velocity
by construction: physics cannot disagree with what a camera sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Knot", "Path", "Table", "smooth_step"]


def smooth_step(u: ArrayLike) -> NDArray[np.float64]:
    """Go from 0 to 1 for `u` from 0 to 1 with no velocity or force at the ends."""
    s = np.clip(np.asarray(u, dtype=np.float64), 0.0, 1.0)
    return s * s * s * (10.0 + s * (6.0 * s - 15.0))


@dataclass(frozen=True, slots=True)
class Knot:
    """A point that a path goes through, with its motion there."""

    time_s: float
    position: Sequence[float] | NDArray[np.float64]
    velocity: Sequence[float] | NDArray[np.float64] | None = None
    """Per second; None is at rest."""
    acceleration: Sequence[float] | NDArray[np.float64] | None = None
    """Per second squared; None is no acceleration."""


class Path:
    """A periodic quintic chain.

    Parameters
    ----------
    times_s
        (k,) ascending, all within one period.
    states
        (k, 3, d) position, velocity and acceleration there. The last one is joined
        to the first, one period later.
    period_s
        Time after which the path repeats.

    Examples
    --------
    >>> path = Path.through([Knot(0.0, [0.0]), Knot(0.5, [1.0])], period_s=1.0)
    >>> path([0.0, 0.25, 0.5, 1.5]).ravel().tolist()
    [0.0, 0.5, 1.0, 1.0]
    """

    __slots__ = ("_coefficients", "_edges", "_lengths", "_states", "period_s")

    def __init__(
        self,
        times_s: NDArray[np.float64],
        states: NDArray[np.float64],
        period_s: float,
    ) -> None:
        lengths = np.diff(np.append(times_s, times_s[0] + period_s))
        if np.any(lengths <= 0.0):
            msg = (
                f"Expected ascending times within {period_s} s, got {times_s.tolist()}"
            )
            raise ValueError(msg)
        self.period_s = float(period_s)
        self._states = states
        self._edges = times_s
        self._lengths = lengths
        self._coefficients = _quintics(states, lengths)

    @classmethod
    def through(cls, knots: Sequence[Knot], period_s: float) -> Path:
        """Return the path through knots, in ascending order of time."""
        times = np.array([knot.time_s for knot in knots], dtype=np.float64)
        return cls(times, np.stack([_state(knot) for knot in knots]), period_s)

    @classmethod
    def sampled(cls, values: NDArray[np.float64], period_s: float) -> Path:
        """Return the path through equally spaced samples of one period.

        Parameters
        ----------
        values
            (n, d), the first at time 0, the last one step before the period ends;
            close enough to show all of the motion.
        period_s
            Period of the motion.
        """
        step = period_s / len(values)
        one, two = np.roll(values, -1, axis=0), np.roll(values, -2, axis=0)
        back, far = np.roll(values, 1, axis=0), np.roll(values, 2, axis=0)
        velocity = (8.0 * (one - back) - (two - far)) / (12.0 * step)
        acceleration = (16.0 * (one + back) - 30.0 * values - (two + far)) / (
            12.0 * step**2
        )
        states = np.stack([values, velocity, acceleration], axis=1)
        return cls(np.arange(len(values)) * step, states, period_s)

    def columns(self, first: int, stop: int) -> Path:
        """Return the path of some of the columns."""
        return Path(self._edges, self._states[:, :, first:stop], self.period_s)

    def __call__(self, t_s: ArrayLike, derivative: int = 0) -> NDArray[np.float64]:
        """Return the position, or a derivative of it, at each time.

        Parameters
        ----------
        t_s
            Times (n,) or a single one.
        derivative
            0 position, 1 velocity, 2 acceleration.

        Returns
        -------
        (n, d) array.
        """
        t = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
        since = np.mod(t - self._edges[0], self.period_s)
        piece = np.searchsorted(self._edges - self._edges[0], since, side="right") - 1
        length = self._lengths[piece]
        s = ((since - (self._edges[piece] - self._edges[0])) / length)[:, None]
        c = self._coefficients[piece]
        if derivative == 0:
            value = c[:, 5]
            for k in (4, 3, 2, 1, 0):
                value = value * s + c[:, k]
            return value
        if derivative == 1:
            value = 5.0 * c[:, 5]
            for k in (4, 3, 2, 1):
                value = value * s + k * c[:, k]
            return value / length[:, None]
        value = 20.0 * c[:, 5]
        for k in (4, 3, 2):
            value = value * s + k * (k - 1) * c[:, k]
        return value / (length**2)[:, None]


def _quintics(
    states: NDArray[np.float64], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the polynomials (k, 6, d) from each state to the next, over 0 to 1."""
    scale = np.stack([np.ones_like(lengths), lengths, lengths**2], axis=1)
    start = states * scale[:, :, None]
    end = np.roll(states, -1, axis=0) * scale[:, :, None]
    p0, v0, a0 = start[:, 0], start[:, 1], start[:, 2]
    gap = end[:, 0] - p0 - v0 - 0.5 * a0
    slope = end[:, 1] - v0 - a0
    bend = end[:, 2] - a0
    return np.stack(
        [
            p0,
            v0,
            0.5 * a0,
            10.0 * gap - 4.0 * slope + 0.5 * bend,
            -15.0 * gap + 7.0 * slope - bend,
            6.0 * gap - 3.0 * slope + 0.5 * bend,
        ],
        axis=1,
    )


def _state(knot: Knot) -> NDArray[np.float64]:
    position = np.asarray(knot.position, dtype=np.float64)
    zero = np.zeros_like(position)
    return np.stack(
        [
            position,
            zero if knot.velocity is None else np.asarray(knot.velocity, np.float64),
            zero
            if knot.acceleration is None
            else np.asarray(knot.acceleration, np.float64),
        ]
    )


class Table:
    """A periodic function given by close samples, straight between them.

    Parameters
    ----------
    values
        (n, d) of one period, equally spaced, the first at time 0.
    period_s
        Time after which the function repeats.

    Examples
    --------
    >>> table = Table(np.array([[0.0], [1.0]]), period_s=2.0)
    >>> table([0.5, 1.0, 1.5]).ravel().tolist()
    [0.5, 1.0, 0.5]
    """

    __slots__ = ("period_s", "values")

    def __init__(self, values: NDArray[np.float64], period_s: float) -> None:
        self.values = values
        self.period_s = float(period_s)

    def __call__(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return the values (n, d) at times (n,)."""
        t = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
        count = len(self.values)
        place = np.mod(t, self.period_s) * (count / self.period_s)
        whole = place.astype(np.int64)
        part = (place - whole)[:, None]
        here, after = self.values[whole % count], self.values[(whole + 1) % count]
        return here + part * (after - here)
