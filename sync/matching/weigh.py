"""Whether another alignment would do as well: the test that refuses to guess.

The best alignment is slid in time, to every other place where pulses meet, pulses are
paired anew, and the residuals are compared on those pulses that find a partner both
ways. To slide by index instead, or to count pairs on the wide gate, is wrong: pulses
that miss at random then make any regular train look unique.

First the pairs are counted, within the gate of the best alignment. A slide is clearly
worse that keeps less than 0.6 of those the best has on the same stretch, beyond five
standard errors; or less than 0.35 and, besides, 3.5 standard errors less than the best
has in all, since of the many slides of a thinned regular train some keep more by
chance. Random trains keep some per cent, trains with both edges of each pulse half. A
regular train keeps nearly all, however many pulses miss or are spurious, unless the
same two in five miss in both.

Of a slide that keeps its pairs the residuals are compared, as the logarithm of the
ratio for each pulse that is paired in both. So no outlier weighs more than its share,
and the mean is zero for a regular train. It is clearly worse with z > 10 and a
geometric mean of the ratios below 0.5: a train dithered by several times its jitter
gives 0.1, a regular one 0.9 to 1.1, and between lie trains half regular.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sync.matching.curve import Curve, Pairing, mutual, smooth
from sync.matching.result import Candidate
from sync.matching.trains import robust_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEAST_Z", "MOST_RATIO", "weigh"]

LEAST_Z = 10.0
MOST_RATIO = 0.5
_LEAST_COMMON = 8
_KEPT_SHARE = 0.6
_LOST_Z = 5.0
_RARE_SHARE = 0.35
_LEAST_LOST = 6
_WHOLE_Z = 3.5
_SLIDES = 5
_REACH = 60
"""Median intervals to either side in which other meeting places are sought."""
_MOST_WEIGHED = 20_000
_CHUNKS = 10
_BLOCK = 40


def weigh(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    best: Pairing,
    others: list[Curve],
    resolution_ns: float,
) -> tuple[tuple[Candidate, ...], list[Candidate]]:
    """Weigh the best alignment against every other.

    Returns
    -------
    candidates
        All that were weighed, the best with shift 0 among them, by shift.
    rivals
        Those that are not clearly worse.
    """
    first, last = int(best.source[0]), int(best.source[-1]) + 1
    step = float(np.median(np.diff(source[first:last])))
    scale = _Scale(source, target, best, step, resolution_ns)
    slides = [k * step for k in range(-_SLIDES, _SLIDES + 1) if k]
    slides += _meetings(best.curve(source[first:last]), target, step, best.gate_ns)
    curves = [best.curve.moved(slide) for slide in slides]
    curves += [c for c in others if abs(scale.shift_of(c)) > 2.0 * best.gate_ns]
    weighed = [pair for pair in map(scale.compare, curves) if pair is not None]
    itself = Candidate(0, 0, best.source.size, best.sd_ns, 0.0, 1.0)
    rivals = [candidate for candidate, worse in weighed if not worse]
    candidates = [itself, *(candidate for candidate, _ in weighed)]
    return tuple(sorted(candidates, key=lambda c: c.shift_ns)), rivals


class _Scale:
    """The best alignment, ready to be compared with others."""

    def __init__(
        self,
        source: NDArray[np.float64],
        target: NDArray[np.float64],
        best: Pairing,
        step: float,
        resolution_ns: float,
    ) -> None:
        self._rows = _chunks(source.size)
        self._source, self._target = source[self._rows], target
        self._best, self._step = best, step
        residual = best.residual_ns - _smooth_of(source[best.source], best.residual_ns)
        self._partner = np.full(source.size, -1)
        self._partner[best.source] = best.target
        self._source_off = np.full(source.size, np.inf)
        self._source_off[best.source] = residual
        self._target_off = np.full(target.size, np.inf)
        self._target_off[best.target] = residual
        self._least = 0.1 * best.sd_ns + 0.3 * resolution_ns + 1.0

    def shift_of(self, curve: Curve) -> float:
        """Return how far another curve lies from the best, in the middle."""
        middle = self._source[self._source.size // 2 :][:1]
        return float((curve(middle) - self._best.curve(middle))[0])

    def compare(self, curve: Curve) -> tuple[Candidate, bool] | None:
        """Return another alignment and whether it is clearly worse.

        None for one that has no pulse in common with the best, so that nothing
        can be said.
        """
        expected = curve(self._source)
        i, j, off = mutual(expected, self._target, 0.45 * self._step)
        if i.size < _LEAST_COMMON:
            return None
        off = off - _smooth_of(expected[i], off)
        inside = (expected >= self._target[0]) & (expected <= self._target[-1])
        before = int(np.count_nonzero(self._source_off[self._rows[inside]] < np.inf))
        other = self._partner[self._rows[i]] != j  # what pairs alike is no alternative
        before -= int(np.count_nonzero(~other))
        i, j, off = i[other], j[other], off[other]
        if i.size < _LEAST_COMMON:
            return None
        tight = np.abs(off) <= self._best.gate_ns
        kept = int(np.count_nonzero(tight))
        loses = _loses_pairs(before, kept, self._best.source.size)
        used = np.ones_like(tight) if loses else tight
        tests = (
            self._paired(self._source_off[self._rows[i[used]]], off[used]),
            self._paired(self._target_off[j[used]], off[used]),
        )
        z, ratio = min(tests[0], tests[1])
        if loses:
            lost = (before - kept) / (before + kept) ** 0.5
            z, ratio = max(z if z < np.inf else 0.0, lost), kept / before
        elif z == np.inf:
            return None
        shift = self.shift_of(curve)
        candidate = Candidate(
            shift_pulses=round(shift / self._step),
            shift_ns=round(shift),
            matched=kept,
            residual_ns=robust_sd(off),
            z=z,
            ratio=ratio,
        )
        return candidate, loses or (z > LEAST_Z and ratio < MOST_RATIO)

    def _paired(
        self, best_off: NDArray[np.float64], off: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Return z and the mean ratio on pulses paired in both, (inf, 0) if too few."""
        both = np.isfinite(best_off)
        if np.count_nonzero(both) < _LEAST_COMMON:
            return np.inf, 0.0
        gain = np.log(np.abs(off[both]) + self._least) - np.log(
            np.abs(best_off[both]) + self._least
        )
        mean = float(gain.mean())
        error = max(float(gain.std(ddof=1)), 0.5) / gain.size**0.5
        return mean / error, min(float(np.exp(-mean)), 1e3)


def _loses_pairs(before: int, kept: int, whole: int) -> bool:
    few = whole - kept > _WHOLE_Z * (whole + kept) ** 0.5
    if few and before - kept >= _LEAST_LOST and kept < _RARE_SHARE * before:
        return True
    beyond = before - kept > _LOST_Z * (before + kept) ** 0.5
    return beyond and kept < _KEPT_SHARE * before


def _smooth_of(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64] | float:
    """Return the curve through y; a mere level for few, which a line would follow."""
    if x.size < 2 * _BLOCK:
        return float(np.median(y))
    return smooth(x, y, block=_BLOCK)(x) - x


def _chunks(count: int) -> NDArray[np.int64]:
    """Return positions among `count`: all, or ten stretches of a long train."""
    if count <= _MOST_WEIGHED:
        return np.arange(count)
    size = _MOST_WEIGHED // _CHUNKS
    starts = np.linspace(0, count - size, _CHUNKS).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(size))


def _meetings(
    expected: NDArray[np.float64],
    target: NDArray[np.float64],
    step: float,
    gate_ns: float,
) -> list[float]:
    """Return the slides at which most pulses meet others, the best one's own apart."""
    some = expected[:: max(expected.size // 3_000, 1)]
    begin = np.searchsorted(target, some - _REACH * step)
    end = np.searchsorted(target, some + _REACH * step)
    sizes = np.minimum(end - begin, 8 * _REACH)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    apart = target[np.repeat(begin, sizes) + within] - np.repeat(some, sizes)
    apart = np.sort(apart[np.abs(apart) > 2.0 * gate_ns])
    found: list[float] = []
    for width, most in ((2.0 * gate_ns, 6), (0.1 * step, 4)):
        if not apart.size or width > 0.5 * step:
            continue
        filled = np.searchsorted(apart, apart + width, side="right") - np.arange(
            apart.size
        )
        for _ in range(most):
            top = int(np.argmax(filled))
            if filled[top] < 2:
                break
            found.append(float(np.median(apart[top : top + filled[top]])))
            filled[np.abs(apart - apart[top]) <= width] = 0
    return found
