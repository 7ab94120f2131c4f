"""Two logs of what may be one regular train, compared tick by tick at any shift."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sync.matching.result import Candidate
from sync.matching.trains import robust_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sync.matching.grid import Grid

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

__all__ = ["Logs"]

_SLIDES = 5
_LEAST_OVERLAP = 100
"""Ticks in common: with fewer, single outliers could make a peak."""
_PAUSE = 30
"""Periods without a pulse after which the count of ticks may be wrong."""
_STRETCH = 256
_STRETCH_Z = 6.0
_HOLDS = 0.4
"""Share of the usual agreement that each stretch must show."""
_CORRELATED = 0.3


class Logs:
    """Two grids of one period, with their residuals laid out by tick."""

    def __init__(self, source: Grid, target: Grid) -> None:
        self._source, self._target = source, target
        self._u, self._in_u = source.dense()
        self._v, self._in_v = target.dense()
        self._at = _positions(source)
        self._to = _positions(target)
        if (
            min(_memory(self._u, self._in_u), _memory(self._v, self._in_v))
            > _CORRELATED
        ):
            self._u, self._in_u = _differences(self._u, self._in_u)
            self._v, self._in_v = _differences(self._v, self._in_v)
        self._seen_v = np.where(self._in_v > 0, self._v, np.nan)

    def same_period(self, drift: float) -> bool:
        """Say whether the periods agree to within the drift."""
        ours, theirs = self._source, self._target
        error = 0.0
        for grid in (ours, theirs):
            span = grid.pulse.size * grid.period_ns  # pauses tell nothing of it
            error += 10.0 * (grid.sd_ns + 1.0) / max(span, 1.0)
        return abs(theirs.period_ns / ours.period_ns - 1.0) <= 1.5 * drift + error

    def correlation(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return all shifts in ticks, how each stands out, and the ticks in common."""
        ours, theirs = self._u.size, self._v.size
        length = _quick_length(ours + theirs - 1)
        lags = np.arange(1 - ours, theirs)

        def cross(
            a: NDArray[np.float64], b: NDArray[np.float64]
        ) -> NDArray[np.float64]:
            product = np.fft.rfft(b, length) * np.conj(np.fft.rfft(a, length))
            return np.fft.irfft(product, length)[lags]

        overlap = np.round(cross(self._in_u, self._in_v))
        enough = overlap >= _LEAST_OVERLAP
        if np.count_nonzero(enough) < 8:
            return lags[:0], overlap[:0], overlap[:0]
        score = cross(self._u, self._v)[enough] / np.sqrt(overlap[enough])
        score -= np.median(score)
        return lags[enough], score / max(robust_sd(score), 1e-3), overlap[enough]

    def pairs(self, lag: int) -> Pairs:
        """Return the positions in the runs of pulses on equal ticks."""
        i = np.flatnonzero(self._at >= 0)
        j = i + lag
        inside = (j >= 0) & (j < self._to.size)
        i, j = i[inside], j[inside]
        both = self._to[j] >= 0
        return self._at[i[both]], self._to[j[both]]

    def weigh(self, pairs: Pairs, peaks: list[int]) -> tuple[Candidate, ...]:
        """Compare the pairs with those some ticks on: the near ones and the peaks."""
        ticks = self._ticks(pairs)
        if not ticks[0].size:
            return ()
        shifts = sorted({*range(-_SLIDES, _SLIDES + 1), *peaks})
        i, j = ticks
        known = (self._in_u[i] > 0) & (self._in_v[j] > 0)
        u, j = self._u[i[known]], j[known]
        weighed = [self._weigh(u, j, shift) for shift in shifts]
        return tuple(c for c in weighed if c is not None)

    def common_variance(self, pairs: Pairs) -> float:
        """Return the variance, in ns², of what both logs' residuals have in common."""
        i, j = self._ticks(pairs)
        if not i.size:
            return 0.0
        scale = self._source.sd_ns * self._target.sd_ns
        return float(np.mean(self._u[i] * self._v[j])) * scale

    def confirmed(
        self, source: NDArray[np.int64], target: NDArray[np.int64]
    ) -> Pairs | None:
        """Return the longest part of the pairs that agree stretch by stretch.

        After a pause the ticks may be miscounted by one: that part is left for a
        match of its own.
        """
        ticks = self._tick_of(self._source, source), self._tick_of(self._target, target)
        kept = np.flatnonzero((ticks[0] >= 0) & (ticks[1] >= 0))
        i, j = ticks[0][kept], ticks[1][kept]
        product = self._u[i] * self._v[j]
        usual = float(product.mean()) if product.size else 0.0
        if usual <= 0.0:
            return None
        size = max(_STRETCH, int((_STRETCH_Z * float(product.std()) / usual) ** 2))
        after_pause = np.flatnonzero(np.diff(i) > _PAUSE) + 1
        edges = _edges(product.size, after_pause, size)
        means = np.add.reduceat(product, edges[:-1]) / np.diff(edges)
        holds = means > _HOLDS * float(np.quantile(means, 0.75))
        if bool(holds.all()):
            return source, target
        first, last = _longest(holds, edges)
        if last <= first:
            return None
        part = slice(int(kept[first]), int(kept[last - 1]) + 1)
        return source[part], target[part]

    def _ticks(self, pairs: Pairs) -> Pairs:
        i = self._tick_of(self._source, pairs[0])
        j = self._tick_of(self._target, pairs[1])
        both = (i >= 0) & (j >= 0)
        return i[both], j[both]

    @staticmethod
    def _tick_of(grid: Grid, pulses: NDArray[np.int64]) -> NDArray[np.int64]:
        at = np.minimum(np.searchsorted(grid.pulse, pulses), grid.pulse.size - 1)
        return np.where(grid.pulse[at] == pulses, grid.tick[at], -1)

    def _weigh(
        self, u: NDArray[np.float64], j: NDArray[np.int64], shift: int
    ) -> Candidate | None:
        low, high = np.searchsorted(j, (-shift, self._seen_v.size - shift)).tolist()
        u, j = u[low:high], j[low:high]
        slid = self._seen_v[j + shift]
        both = np.isfinite(slid)
        u, v, slid = u[both], self._v[j[both]], slid[both]
        if u.size < 8:
            return None
        with_best, with_slid = u * v, u * slid
        gain = with_best - with_slid
        error = float(gain.std()) / gain.size**0.5
        agreed = float(with_best.mean())
        ratio = float(with_slid.mean()) / agreed if agreed > 1e-9 else 1.0
        off = slid * self._target.sd_ns - u * self._source.sd_ns
        return Candidate(
            shift_pulses=shift,
            shift_ns=round(shift * self._target.period_ns),
            matched=u.size,
            residual_ns=robust_sd(off),
            z=float(gain.mean()) / error if error > 1e-9 else 0.0,
            ratio=min(max(ratio, 0.0), 1e3) if shift else 1.0,
        )


def _quick_length(least: int) -> int:
    """Return a length of small prime factors, for which the transform is quick."""
    power = 1 << max(least - 1, 1).bit_length()
    halves = (power * f // 16 for f in (9, 10, 12, 15, 16) if power >= 16)
    return min((length for length in halves if length >= least), default=power)


def _positions(grid: Grid) -> NDArray[np.int64]:
    at = np.full(int(grid.tick[-1]) + 1, -1)
    at[grid.tick] = grid.pulse
    return at


def _memory(values: NDArray[np.float64], present: NDArray[np.float64]) -> float:
    """Return the correlation of neighbours: near 1 when jitter adds up."""
    both = (present[1:] * present[:-1]) > 0
    if np.count_nonzero(both) < _LEAST_OVERLAP:
        return 0.0
    one, two = values[1:][both], values[:-1][both]
    return float(np.mean(one * two) / max(float(np.mean(one * one)), 1e-12))


def _differences(
    values: NDArray[np.float64], present: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    both = np.zeros_like(present)
    both[1:] = present[1:] * present[:-1]
    step = np.zeros_like(values)
    step[1:] = (values[1:] - values[:-1]) * both[1:]
    scale = max(robust_sd(step[both > 0]), 1e-9)
    return np.clip(step / scale, -4.0, 4.0), both


def _edges(count: int, breaks: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return the edges of stretches of about `size`, none across a break."""
    bounds = sorted({0, *breaks.tolist(), count})
    edges = [0]
    for low, high in pairwise(bounds):
        parts = max((high - low) // size, 1)
        edges += [low + (high - low) * k // parts for k in range(1, parts + 1)]
    return np.array(edges)


def _longest(holds: NDArray[np.bool_], edges: NDArray[np.int64]) -> tuple[int, int]:
    """Return the bounds of the longest row of stretches that hold."""
    best = (0, 0)
    begin: int | None = None
    for k, good in enumerate([*holds.tolist(), False]):
        if good and begin is None:
            begin = k
        elif not good and begin is not None:
            bounds = (int(edges[begin]), int(edges[k]))
            if bounds[1] - bounds[0] > best[1] - best[0]:
                best = bounds
            begin = None
    return best
