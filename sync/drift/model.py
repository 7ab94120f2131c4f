"""The clock model: any time of one clock on the other, with its standard deviation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sync.drift.noise import Jitter
    from sync.drift.smoother import Knots

__all__ = ["ClockModel", "ClockSegment", "between"]

_S = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class ClockSegment:
    """The relation of two clocks while neither was reset."""

    first_source_ns: int
    """Of the first pulse."""
    last_source_ns: int
    """Of the last one."""
    pulses: int
    jitter: Jitter
    """Of a pulse, both clocks' stamps together."""
    nis: float
    """Mean of squared innovations over what was expected: about 1, or the model of a
    wandering crystal does not hold; the standard deviations are inflated by then."""
    wander_ppb: float
    """How much the skew wanders within a second (its random walk), in ppb."""
    origin_ns: int
    """Source time that `knots` count from."""
    offset_ns: int
    """Added to the source time, beside the line and the knots."""
    line_ppb: float
    """Slope of the line that the knots are deviations from."""
    knots: Knots
    inflation: float
    """Of the standard deviations."""

    def __call__(
        self, source_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return target times and the standard deviations of the relation, in ns.

        Parameters
        ----------
        source_ns
            (n,) source times, in any order, also outside of the pulses: the standard
            deviation grows there as the crystal may wander.
        """
        elapsed_ns = np.asarray(source_ns, np.int64) - self.origin_ns
        elapsed_s = elapsed_ns * _S
        deviation, variance = between(self.knots, elapsed_s)
        shift = deviation + self.line_ppb * elapsed_s
        target = elapsed_ns + (self.origin_ns + self.offset_ns)
        return target + np.rint(shift).astype(np.int64), self.inflation * np.sqrt(
            variance
        )

    def skew_ppm(self, source_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much faster the target clock runs, in ppm."""
        elapsed_s = (np.asarray(source_ns, np.int64) - self.origin_ns) * _S
        skew = np.interp(elapsed_s, self.knots.time_s, self.knots.skew_ppb)
        return (skew + self.line_ppb) / 1e3


@dataclass(frozen=True, slots=True, eq=False)
class ClockModel:
    """The relation of two clocks over a session.

    Examples
    --------
    >>> import numpy as np
    >>> from sync.drift import fit_clock
    >>> source = np.arange(0, 60_000_000_000, 1_000_000_000)
    >>> model = fit_clock(source, source + source // 100_000 + 5_000)
    >>> target, sd = model(np.array([30_500_000_000]))
    >>> int(target[0]) - 30_500_000_000 - 305_000 - 5_000
    0
    """

    segments: tuple[ClockSegment, ...]
    """In order of time; a new one where a clock was reset or has leapt."""

    def __call__(
        self,
        source_ns: NDArray[np.int64],
        segment: NDArray[np.int64] | int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return target times and the standard deviations of the relation, in ns.

        The standard deviation speaks of the relation alone: what is asked for has an
        error of its own besides.

        Parameters
        ----------
        source_ns
            (n,) source times.
        segment
            Which segment each time belongs to; needed where a clock began anew and
            says the same times twice. Without it, each time belongs to the segment
            in whose range it lies, or to the nearest one.

        Raises
        ------
        ValueError
            If segments overlap in source time, and `segment` is not given.
        """
        source = np.asarray(source_ns, np.int64)
        given = self.segment_of(source) if segment is None else segment
        which = np.broadcast_to(np.asarray(given, np.int64), source.shape)
        target = np.empty(source.shape, np.int64)
        sd = np.empty(source.shape, np.float64)
        for k in np.unique(which):
            here = which == k
            target[here], sd[here] = self.segments[int(k)](source[here])
        return target, sd

    def segment_of(self, source_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the segment in whose range each source time lies, or the nearest.

        Raises
        ------
        ValueError
            If segments overlap in source time.
        """
        if len(self.segments) == 1:
            return np.zeros(np.shape(source_ns), np.int64)
        _require_apart(self.segments)
        ends = np.array([s.last_source_ns for s in self.segments[:-1]])
        begins = np.array([s.first_source_ns for s in self.segments[1:]])
        middles = ends + (begins - ends) // 2
        return np.searchsorted(middles, source_ns, side="left").astype(np.int64)


def _require_apart(segments: Sequence[ClockSegment]) -> None:
    for before, after in pairwise(segments):
        if after.first_source_ns <= before.last_source_ns:
            msg = (
                "Expected to know which segment each time belongs to, since the source "
                "clock began anew and says some times twice: give `segment`"
            )
            raise ValueError(msg)


def between(
    knots: Knots, time_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the deviation and its variance at any times.

    Between two knots the mean of an integrated random walk is the cubic through both
    states, and what it may stray from that is an integrated bridge, of variance
    q h³ u³ (1 - u)³ / 3; outside it is the state carried on.
    """
    t = knots.time_s
    if len(t) == 1:
        return _carried_on(knots, time_s, np.zeros(time_s.shape, np.int64))
    k = np.clip(np.searchsorted(t, time_s, side="right") - 1, 0, len(t) - 2)
    h = t[k + 1] - t[k]
    u = np.clip((time_s - t[k]) / h, 0.0, 1.0)
    w = np.stack(
        [
            (1 + 2 * u) * (1 - u) ** 2,
            h * u * (1 - u) ** 2,
            u**2 * (3 - 2 * u),
            h * u**2 * (u - 1),
        ]
    )
    mean = (
        w[0] * knots.offset_ns[k]
        + w[1] * knots.skew_ppb[k]
        + w[2] * knots.offset_ns[k + 1]
        + w[3] * knots.skew_ppb[k + 1]
    )
    here, after, cross = knots.covariance[k], knots.covariance[k + 1], knots.cross[k]
    variance = (
        w[0] ** 2 * here[:, 0]
        + 2 * w[0] * w[1] * here[:, 1]
        + w[1] ** 2 * here[:, 2]
        + w[2] ** 2 * after[:, 0]
        + 2 * w[2] * w[3] * after[:, 1]
        + w[3] ** 2 * after[:, 2]
        + 2 * w[0] * (w[2] * cross[:, 0, 0] + w[3] * cross[:, 0, 1])
        + 2 * w[1] * (w[2] * cross[:, 1, 0] + w[3] * cross[:, 1, 1])
        + knots.wander * (h * u * (1 - u)) ** 3 / 3
    )
    outside = (time_s < t[0]) | (time_s > t[-1])
    if outside.any():
        end = np.where(time_s[outside] < t[0], 0, len(t) - 1)
        mean[outside], variance[outside] = _carried_on(knots, time_s[outside], end)
    return mean, np.maximum(variance, 0.0)


def _carried_on(
    knots: Knots, time_s: NDArray[np.float64], end: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    away = time_s - knots.time_s[end]
    a, b, c = knots.covariance[end].T
    mean = knots.offset_ns[end] + away * knots.skew_ppb[end]
    wandered = knots.wander * np.abs(away) ** 3 / 3
    return mean, a + 2 * away * b + away**2 * c + wandered
