"""Does a likelihood of 0.9 mean that nine of ten are right? Pure.

Sources: reliability diagram and expected calibration error: M. P. Naeini, G. F. Cooper
and M. Hauskrecht, AAAI 2015; C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, ICML 2017
(arXiv:1706.04599).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Reliability", "reliability"]

_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Likelihoods in bins, against how many of the points are right."""

    right_px: float
    """A point is right within so much."""
    count: tuple[int, ...]
    """Points in each bin; bins are equally wide, from 0 to 1."""
    likelihood: tuple[float, ...]
    """Mean of each bin; NaN in an empty one."""
    right: tuple[float, ...]
    """Share of the points of each bin that are right."""
    ece: float
    """Expected calibration error, 0 to 1: mean distance of the two, by points."""


def reliability(
    likelihood: NDArray[np.floating],
    errors_px: NDArray[np.floating],
    right_px: float = 10.0,
    bins: int = _BINS,
) -> Reliability:
    """Return how well a likelihood tells whether a point is right.

    Parameters
    ----------
    likelihood, errors_px
        Of points, in one shape; those that are NaN in either are left out.
    right_px
        A point is right within so much.
    bins
        How many.
    """
    told = np.isfinite(likelihood) & np.isfinite(errors_px)
    said = np.clip(likelihood[told].astype(np.float64), 0, 1)
    is_right = (errors_px[told] <= right_px).astype(np.float64)
    of = np.minimum((said * bins).astype(np.int64), bins - 1)
    count = np.bincount(of, minlength=bins)
    sums = [np.bincount(of, values, bins) for values in (said, is_right)]
    empty = np.full(bins, np.nan)
    mean, right = (np.divide(s, count, out=empty.copy(), where=count > 0) for s in sums)
    off = np.abs(sums[0] - sums[1]).sum()
    return Reliability(
        right_px=right_px,
        count=tuple(count.tolist()),
        likelihood=tuple(mean.tolist()),
        right=tuple(right.tolist()),
        ece=float(off / len(said)) if len(said) else float("nan"),
    )
