"""How far is too far: a limit that the bulk of the values sets for themselves. Pure.

Distances of labels from what is expected have tails of very different weight: an ear
hardly moves, the tip of a tail goes everywhere. So the tail is foretold from the bulk,
as that of a Weibull distribution through two quantiles, and the limit lies where one
value in many millions would: no more than five values in a hundred million. Values that
are wrong do not move the quantiles as long as they are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEWEST", "beyond"]

FEWEST = 10
"""With fewer values nothing is usual."""
_HIGH = 0.85
_RARE = 5e-8
_REACH = float(
    np.log(np.log(_RARE) / np.log(0.5)) / np.log(np.log(1 - _HIGH) / np.log(0.5))
)
_TIMES = 5.0
"""The limit is never less than so many medians: small samples have short tails."""


def beyond(distances: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Return how many times each distance is as long as the limit of its column.

    Parameters
    ----------
    distances
        (frames, things): not negative; NaN where there is none.
    least
        No limit is less, in the unit of the distances.

    Returns
    -------
    ndarray of float64
        (frames, things): above 1 is too far; 0 where nothing can be told.
    """
    told = np.zeros_like(distances)
    for k, column in enumerate(distances.T):
        there = column[np.isfinite(column)]
        if len(there) < FEWEST:
            continue
        middle, high = np.maximum(np.quantile(there, (0.5, _HIGH)), 1e-9)
        tail = middle * (high / middle) ** _REACH
        few = 1 + 2 / np.sqrt(len(there))
        limit = max(tail, _TIMES * middle) * few
        told[:, k] = np.nan_to_num(column / max(limit, least))
    return told
