"""Is one model better than another, on the same frames? Pure.

Sources: sign-flip permutation test: P. Good, *Permutation, Parametric and Bootstrap
Tests of Hypotheses*, 3rd ed. 2005; its p is never 0: B. Phipson and G. K. Smyth,
Stat. Appl. Genet. Mol. Biol. 9 (2010) 39, doi:10.2202/1544-6115.1585. Several tests:
S. Holm, Scand. J. Stat. 6 (1979) 65. The interval is the bootstrap's of `resampling`,
with the same draws for both models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.evaluation.figures import MEASURES, measures
from offline.evaluation.resampling import Estimate, Units, estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Paired", "frame_means_px", "holm", "paired", "sign_flip_p"]

_MEDIAN = MEASURES.index("median_px")
_ROUNDING = 1e-9
"""Sums that differ by less are the same sum, added up in another order."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Another model against the first, on the points that both have given."""

    n: int
    """Points."""
    frames: int
    mean_difference_px: float
    """Other less first: of the mean errors of frames."""
    median_difference_px: Estimate
    """Other less first: of the medians over points."""
    p: float
    """Of the sign-flip test; NaN where there is nothing to compare."""


def paired(
    first_px: NDArray[np.floating],
    other_px: NDArray[np.floating],
    units: Units,
    weights: NDArray[np.integer],
    random: np.random.Generator,
) -> Paired:
    """Compare two models.

    Parameters
    ----------
    first_px, other_px
        (frames, parts): errors; NaN where not labelled or not given.
    units
        What is flipped as a whole, as it is drawn as a whole.
    weights
        (repeats, frames): draws of those units.
    random
        For the flips, as many as draws.
    """
    both = np.isfinite(first_px) & np.isfinite(other_px)
    first, other = (np.where(both, off, np.nan) for off in (first_px, other_px))
    difference = frame_means_px(other) - frame_means_px(first)
    told = np.isfinite(difference)
    once = np.ones((1, len(first)), np.int32)
    medians = [
        measures(other, w)[:, _MEDIAN] - measures(first, w)[:, _MEDIAN]
        for w in (once, weights)
    ]
    sums = np.bincount(units.of_frame[told], difference[told])
    is_there = np.bincount(units.of_frame[told]) > 0
    return Paired(
        n=int(both.sum()),
        frames=int(told.sum()),
        mean_difference_px=float(difference[told].mean()) if told.any() else np.nan,
        median_difference_px=estimate(float(medians[0][0]), medians[1]),
        p=sign_flip_p(sums[is_there], len(weights), random),
    )


def frame_means_px(errors_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean error of each frame, (frames,); NaN without any point."""
    told = np.isfinite(errors_px)
    count = told.sum(axis=1)
    sums = np.where(told, errors_px, 0).sum(axis=1)
    return np.divide(sums, count, out=np.full(len(count), np.nan), where=count > 0)


def sign_flip_p(
    differences: NDArray[np.number], flips: int, random: np.random.Generator
) -> float:
    """Return how often signs at random give a mean as far from 0, or farther.

    If neither model is better, each difference could as well have the other sign.
    All ways to flip are tried where there are no more than `flips`; else so many are
    drawn, and the one that was found counts as one of them.

    Parameters
    ----------
    differences
        (units,), of one model's error to the other's.
    flips
        At least.
    random
        Draws the signs.

    Returns
    -------
    float
        Two-sided p; NaN without differences.
    """
    count = len(differences)
    if not count:
        return float("nan")
    least = abs(float(differences.sum())) * (1 - _ROUNDING)
    if count < _MOST_BITS and 2**count <= flips:
        bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float(np.mean(np.abs((2 * bits - 1) @ differences) >= least))
    as_far = 0
    for _ in range(0, flips, _AT_ONCE):
        signs = random.integers(0, 2, (min(_AT_ONCE, flips), count), np.int8) * 2 - 1
        as_far += int((np.abs(signs @ differences) >= least).sum())
    tried = -(-flips // _AT_ONCE) * min(_AT_ONCE, flips)
    return (as_far + 1) / (tried + 1)


def holm(p: Sequence[float]) -> list[float]:
    """Return p values that hold for all tests together, in the order given.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p)), key=lambda k: (np.isnan(p[k]), p[k]))
    adjusted = [float("nan")] * len(p)
    tests = sum(not np.isnan(one) for one in p)
    most = 0.0
    for rank, k in enumerate(order[:tests]):
        most = max(most, min(1.0, (tests - rank) * p[k]))
        adjusted[k] = most
    return adjusted


_AT_ONCE, _MOST_BITS = 500, 31
