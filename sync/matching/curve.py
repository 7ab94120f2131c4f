"""From source time to target time by a smooth curve, and who meets whom on it.

The curve is a robust line and, on it, the medians of blocks of pulses: it follows a
wandering crystal, yet no single pulse bends it. Pulses that are each other's nearest
are a pair, within a gate that shrinks to what the scatter needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sync.matching.trains import MOST_SAMPLED, lot, robust_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Curve", "Pairing", "line_through", "mutual", "refine", "smooth"]

_BLOCK = 20
"""Pulses per block: the median of so many errs by a quarter of the jitter."""
_MOST_BLOCKS = 2_000
_FLOOR_GATE_NS = 1e6
_FALSE_SHARE = 2e-4
"""Share of chance pairs that a gate wider than need be may let in."""
_FAR_NS = 1e15
_MOST_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Curve:
    """Target minus source time, linear between knots and beyond the outermost."""

    knots_ns: NDArray[np.float64]
    delta_ns: NDArray[np.float64]

    def __call__(self, source_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the target times of source times."""
        return source_ns + np.interp(source_ns, self.knots_ns, self.delta_ns)

    def moved(self, shift_ns: float) -> Curve:
        """Return the curve slid to later target times."""
        return Curve(self.knots_ns, self.delta_ns + shift_ns)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs on a curve."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    residual_ns: NDArray[np.float64]
    """Target minus the curve, per pair."""
    curve: Curve
    gate_ns: float

    @property
    def sd_ns(self) -> float:
        """Robust standard deviation of the residuals."""
        return robust_sd(self.residual_ns)


def line_through(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return (centre, level there, slope) of a line that outliers do not bend."""
    if x.size > 2 * MOST_SAMPLED:
        some = lot(x.size, MOST_SAMPLED)
        x, y = x[some], y[some]
    centre = float(np.mean(x))
    around = x - centre
    inside = np.ones(x.size, bool)
    level, slope = float(np.median(y)), 0.0
    for _ in range(4):
        spread = float(np.dot(around[inside], around[inside]))
        if inside.sum() < 2 or spread <= 0.0:
            break
        middle = float(around[inside].mean())
        mean = float(y[inside].mean())
        spread -= middle * middle * int(inside.sum())
        if spread <= 0.0:
            break
        slope = float(np.dot(around[inside] - middle, y[inside] - mean)) / spread
        level = mean - slope * middle
        off = y - level - slope * around
        level += float(np.median(off))
        off = y - level - slope * around
        inside = np.abs(off) <= 4.0 * robust_sd(off) + 1.0
    return centre, level, slope


def smooth(
    x: NDArray[np.float64], y: NDArray[np.float64], block: int = _BLOCK
) -> Curve:
    """Return the curve through scattered y(x); x ascends, at least 1 point."""
    centre, level, slope = line_through(x, y)
    count = min(x.size // block, _MOST_BLOCKS)
    if count < 2:
        ends = np.array([-_FAR_NS, _FAR_NS])
        return Curve(ends, level + slope * (ends - centre))
    size = x.size // count
    whole = size * count
    off = (y - level - slope * (x - centre))[:whole].reshape(count, size)
    knots = x[:whole].reshape(count, size).mean(axis=1)
    medians = np.median(off, axis=1)
    if count > 2:
        inner = (medians[:-2] + 2.0 * medians[1:-1] + medians[2:]) / 4.0
        medians = np.concatenate([medians[:1], inner, medians[-1:]])
    return _extended(knots, medians + level + slope * (knots - centre))


def _extended(knots: NDArray[np.float64], delta: NDArray[np.float64]) -> Curve:
    reach = min(4, knots.size) - 1
    first = (delta[reach] - delta[0]) / (knots[reach] - knots[0])
    last = (delta[-1] - delta[-1 - reach]) / (knots[-1] - knots[-1 - reach])
    return Curve(
        np.concatenate([[knots[0] - _FAR_NS], knots, [knots[-1] + _FAR_NS]]),
        np.concatenate(
            [[delta[0] - first * _FAR_NS], delta, [delta[-1] + last * _FAR_NS]]
        ),
    )


def _nearest(
    times: NDArray[np.float64], among: NDArray[np.float64]
) -> NDArray[np.int64]:
    right = np.clip(np.searchsorted(among, times), 1, among.size - 1)
    return right - (times - among[right - 1] < among[right] - times)


def mutual(
    expected: NDArray[np.float64], target: NDArray[np.float64], gate_ns: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return pairs (source, target, residual) of pulses that are each other's nearest.

    Both trains ascend, so the pairs do too.
    """
    empty = np.zeros(0, np.int64)
    if expected.size < 2 or target.size < 2:
        return empty, empty, np.zeros(0)
    there = _nearest(expected, target)
    back = _nearest(target, expected)
    residual = target[there] - expected
    good = (back[there] == np.arange(expected.size)) & (np.abs(residual) <= gate_ns)
    return np.flatnonzero(good), there[good], residual[good]


def refine(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    curve: Curve,
    gate_ns: float,
    floor_ns: float,
) -> Pairing | None:
    """Pair, fit, narrow the gate, and again; None when fewer than 6 pairs hold.

    Parameters
    ----------
    source, target
        Times in ns, ascending.
    curve
        Where to begin, right to within `gate_ns`.
    floor_ns
        The gate never gets narrower: the stamps' own resolution.
    """
    i, j, residual = mutual(curve(source), target, gate_ns)
    for _ in range(_MOST_ROUNDS):
        if i.size < 6:
            return None
        curve = smooth(source[i], target[j] - source[i])
        off = target[j] - curve(source[i])
        span = float(source[i[-1]] - source[i[0]])
        lone = (int(i[-1] - i[0]) + 2 - i.size) * (int(j[-1] - j[0]) + 2 - i.size)
        allowed = _FALSE_SHARE * i.size * span / (2.0 * lone)
        settled, before = gate_ns, i.size
        gate_ns = min(gate_ns, _gate(robust_sd(off), allowed, floor_ns))
        i, j, residual = mutual(curve(source), target, gate_ns)
        if gate_ns > 0.9 * settled and i.size == before:
            break
    return Pairing(i, j, residual, curve, gate_ns) if i.size >= 6 else None


def _gate(sd_ns: float, allowed_ns: float, floor_ns: float) -> float:
    """Return a gate that loses no true pair and lets few chance pairs in.

    Seven deviations where pulses without partner are rare, down to 4.5 where they
    are many; never so narrow that a curve fitted too well to few pulses, or the
    stamps' resolution, shuts true pairs out.
    """
    wanted = min(7.0 * sd_ns, max(4.5 * sd_ns, allowed_ns))
    return max(wanted, min(_FLOOR_GATE_NS, allowed_ns), floor_ns)
