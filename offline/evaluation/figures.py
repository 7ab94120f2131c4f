"""What is said of errors: figures, each with its interval, and the PCK curve. Pure.

PCK, the share of points within a distance, is Yang and Ramanan's (IEEE TPAMI 35 (2013)
2878, doi:10.1109/TPAMI.2012.261), in px here. RMSE is the root of the mean squared
distance, as DeepLabCut tells it (Mathis et al. 2018, doi:10.1038/s41593-018-0209-y):
a few points that are far off make it; the median does not see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.evaluation.resampling import Estimate, estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MEASURES", "NEAR_PX", "Figures", "figures", "measures", "pck", "share"]

NEAR_PX = (5.0, 10.0)
MEASURES = ("median_px", "mean_px", "rmse_px", "q90_px", "within_5px", "within_10px")
_MOST_CELLS = 2_000_000
"""Of a table that is in memory at once."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the errors of some points."""

    n: int
    """Points: parts that are labelled and given."""
    median_px: Estimate
    mean_px: Estimate
    rmse_px: Estimate
    q90_px: Estimate
    """90 % of the points are nearer."""
    within_5px: Estimate
    """Share, 0 to 1."""
    within_10px: Estimate


def figures(errors_px: NDArray[np.floating], weights: NDArray[np.integer]) -> Figures:
    """Return the figures of errors, with intervals.

    Parameters
    ----------
    errors_px
        (frames, parts); NaN does not count.
    weights
        (repeats, frames): how often each frame was drawn.
    """
    once = np.ones((1, len(errors_px)), np.int32)
    values = measures(errors_px, once)[0]
    drawn = measures(errors_px, weights)
    told = [estimate(float(v), d) for v, d in zip(values, drawn.T, strict=True)]
    return Figures(int(np.isfinite(errors_px).sum()), *told)


def measures(
    errors_px: NDArray[np.floating], weights: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the figures of each draw of frames.

    Quantiles are interpolated between points, as numpy's are; a frame that was drawn
    twice counts twice.

    Parameters
    ----------
    errors_px
        (frames, parts); NaN does not count.
    weights
        (repeats, frames): how often each frame was drawn.

    Returns
    -------
    ndarray of float64
        (repeats, 6), as `MEASURES`; NaN where a draw has no points.
    """
    frame, part = np.nonzero(np.isfinite(errors_px))
    off = errors_px[frame, part].astype(np.float64)
    order = np.argsort(off, kind="stable")
    off, frame = off[order], frame[order]
    found = np.full((len(weights), len(MEASURES)), np.nan)
    if not len(off):
        return found
    each = max(1, _MOST_CELLS // len(off))
    for first in range(0, len(weights), each):
        some = slice(first, first + each)
        found[some] = _measured(off, weights[some][:, frame])
    return found


def pck(
    errors_px: NDArray[np.floating], of: int, within_px: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the share of points within each distance.

    Parameters
    ----------
    errors_px
        Any shape; NaN is within none.
    of
        All points: also those for which nothing was given.
    within_px
        (distances,).

    Returns
    -------
    ndarray of float64
        (distances,), 0 to 1.
    """
    off = np.sort(errors_px[np.isfinite(errors_px)])
    return np.searchsorted(off, within_px, side="right") / max(of, 1)


def share(
    some: NDArray[np.bool_], of: NDArray[np.bool_], weights: NDArray[np.integer]
) -> Estimate:
    """Return how many of some points are others too.

    Parameters
    ----------
    some, of
        (frames, parts).
    weights
        (repeats, frames).
    """
    part = (some & of).sum(axis=1).astype(np.float64)
    whole = of.sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        drawn = (weights @ part) / (weights @ whole)
        value = np.divide(part.sum(), whole.sum())
    return estimate(float(value), drawn)


def _measured(
    off: NDArray[np.float64], weights: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return (repeats, 6) of sorted errors (points,) and weights (repeats, points)."""
    counted = np.cumsum(weights, axis=1, dtype=np.int64)
    n = counted[:, -1]
    near = [off <= limit for limit in NEAR_PX]
    columns = np.stack([off, off**2, *near], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, square, *shares = (weights @ columns / n[:, None]).T
    median, q90 = (_quantile(off, counted, n, q) for q in (0.5, 0.9))
    found = np.stack([median, mean, np.sqrt(square), q90, *shares], axis=1)
    found[n == 0] = np.nan
    return found


def _quantile(
    off: NDArray[np.float64], counted: NDArray[np.int64], n: NDArray[np.int64], q: float
) -> NDArray[np.float64]:
    at = np.maximum(n - 1, 0) * q
    below = np.floor(at).astype(np.int64)
    low, high = (
        off[np.minimum((counted <= k[:, None]).sum(axis=1), len(off) - 1)]
        for k in (below, np.minimum(below + 1, np.maximum(n - 1, 0)))
    )
    return low + (at - below) * (high - low)
