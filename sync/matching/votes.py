"""Where irregular trains may meet: equal patterns of gaps vote for an offset.

Two gaps in a row that occur in both trains are a vote, (source time, target minus
source time). True votes lie on a line as steep as the clocks' drift, false ones
anywhere. Patterns that skip a pulse keep voting where pulses are missing or
spurious.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sync.matching.curve import Curve, smooth
from sync.matching.trains import lot

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["curves_by_votes"]

_PATTERNS = ((1, 2), (1, 3), (2, 3))
_MOST_DESCRIPTORS = 30_000
_MOST_PAIRS = 3_000_000
_MOST_VOTES = 5_000
_TRIALS = 400
_LEAST_VOTES = 0.1
"""Windows with a smaller share of the fullest one's votes are noise."""
_WANDER = 3e-6
"""How far a crystal may leave its line, as a share of the time spanned."""


def curves_by_votes(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance_ns: float,
    drift: float,
    count: int,
) -> list[Curve]:
    """Return the curves that get most votes, best first.

    Parameters
    ----------
    source, target
        Times in ns, ascending.
    tolerance_ns
        By how much a gap may differ between the trains.
    drift
        Largest relative difference of the clocks' rates.
    count
        How many curves at most.
    """
    i, j = _join(_descriptors(source), _descriptors(target), tolerance_ns, drift)
    if i.size < 4:
        return []
    x, y = source[i], target[j] - source[i]
    span = float(source[-1] - source[0])
    wander = _WANDER * span + 2.0 * tolerance_ns + 1e5
    width = 2.0 * (drift * span + wander)
    found: list[Curve] = []
    for inside in _densest(y, width, count):
        curve = _curve_in(x[inside], y[inside], drift, wander)
        if curve is not None:
            found.append(curve)
    return found


def _descriptors(
    ns: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    first: list[NDArray[np.int64]] = []
    one: list[NDArray[np.float64]] = []
    two: list[NDArray[np.float64]] = []
    for middle, last in _PATTERNS:
        count = max(ns.size - last, 0)
        first.append(np.arange(count))
        one.append(ns[middle : middle + count] - ns[:count])
        two.append(ns[last : last + count] - ns[middle : middle + count])
    return np.concatenate(first), np.concatenate(one), np.concatenate(two)


def _join(
    source: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    target: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    tolerance_ns: float,
    drift: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions (in source, in target) of equal patterns of two gaps."""
    none = np.zeros(0, np.int64)
    if not (source[0].size and target[0].size):
        return none, none
    longest = 4.0 * float(np.quantile(np.concatenate([source[1], source[2]]), 0.75))
    reach = tolerance_ns + drift * longest
    cell = 2.0 * reach
    source = _short(source, longest)
    target = _short(target, longest + reach)
    columns = int(longest / cell) + 4
    key = (target[1] // cell).astype(np.int64) * columns + (target[2] // cell).astype(
        np.int64
    )
    order = np.argsort(key, kind="stable")
    key, at, one, two = key[order], target[0][order], target[1][order], target[2][order]
    chosen = _thinned(source[0].size, _MOST_DESCRIPTORS)
    low1 = ((source[1] - reach) // cell).astype(np.int64)
    low2 = ((source[2] - reach) // cell).astype(np.int64)
    for _ in range(8):
        begin, end, who = _ranges(key, low1[chosen], low2[chosen], columns, chosen)
        total = int((end - begin).sum())
        if total <= _MOST_PAIRS:
            break
        keep = max(int(chosen.size * _MOST_PAIRS / total * 0.8), 1)
        chosen = chosen[_thinned(chosen.size, keep)]
    else:
        return none, none
    sizes = end - begin
    who = np.repeat(who, sizes)
    steps = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    other = np.repeat(begin, sizes) + steps
    near = (np.abs(source[1][who] - one[other]) <= reach) & (
        np.abs(source[2][who] - two[other]) <= reach
    )
    return source[0][who[near]], at[other[near]]


def _short(
    descriptors: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    longest: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    first, one, two = descriptors
    good = (one <= longest) & (two <= longest)
    return first[good], one[good], two[good]


def _thinned(size: int, most: int) -> NDArray[np.int64]:
    """Return `most` positions of `size`, by a lot that always falls alike."""
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).permutation(size)[:most])


def _ranges(
    key: NDArray[np.int64],
    low1: NDArray[np.int64],
    low2: NDArray[np.int64],
    columns: int,
    who: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the ranges of sorted keys in the 2 x 2 cells each pattern touches."""
    begins: list[NDArray[np.int64]] = []
    ends: list[NDArray[np.int64]] = []
    for row in (0, 1):
        corner = (low1 + row) * columns + low2
        begins.append(np.searchsorted(key, corner))
        ends.append(np.searchsorted(key, corner + 1, side="right"))
    return np.concatenate(begins), np.concatenate(ends), np.concatenate([who, who])


def _densest(
    y: NDArray[np.float64], width: float, count: int
) -> list[NDArray[np.int64]]:
    """Return the votes in the fullest windows of `width` that do not overlap."""
    order = np.argsort(y, kind="stable")
    ranked = y[order]
    filled = np.searchsorted(ranked, ranked + width, side="right") - np.arange(y.size)
    windows: list[NDArray[np.int64]] = []
    fullest = 0
    for _ in range(count):
        best = int(np.argmax(filled))
        fullest = max(fullest, int(filled[best]))
        if filled[best] < max(4.0, _LEAST_VOTES * fullest):
            break
        windows.append(np.sort(order[best : best + filled[best]]))
        filled[np.abs(ranked - ranked[best]) <= width] = 0
    return windows


def _curve_in(
    x: NDArray[np.float64], y: NDArray[np.float64], drift: float, wander: float
) -> Curve | None:
    """Return the curve through the votes of one window, None when none fits."""
    some = _thinned(x.size, _MOST_VOTES)
    one = some[lot(some.size, _TRIALS, seed=1)]
    two = some[lot(some.size, _TRIALS, seed=2)]
    run = x[two] - x[one]
    apart = np.abs(run) > 0.02 * (x[some].max() - x[some].min())
    one, two, run = one[apart], two[apart], run[apart]
    slope = np.divide(
        y[two] - y[one], run, out=np.full(run.size, np.inf), where=run != 0
    )
    good = np.abs(slope) <= drift + 2.0 * wander / np.maximum(np.abs(run), 1.0)
    one, slope = one[good], slope[good]
    if not one.size:
        return None
    level = y[one] - slope * x[one]
    hits = [
        int(np.count_nonzero(np.abs(y[some] - at - rise * x[some]) <= wander))
        for at, rise in zip(level, slope, strict=True)
    ]
    best = int(np.argmax(hits))
    near = np.flatnonzero(np.abs(y - level[best] - slope[best] * x) <= wander)
    near = near[np.argsort(x[near], kind="stable")]
    return smooth(x[near], y[near], block=max(15, near.size // 60))
