"""Many points as few: what a picture of some hundred columns can show.

Beyond some thousand points, each column shows the lowest and the highest of its
points, and where the middle half lies; so nothing that sticks out gets lost, and
a night's pulses make no larger page than a minute's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DOTS", "Envelope", "envelope", "reach", "thinned"]

DOTS = 1500
"""Points up to which each is drawn."""
_COLUMNS = 420
_LEAST_NS = 1.0
"""Stamps are whole nanoseconds."""
_BEYOND = 1.15
"""Room above what must be seen."""
_USUAL = 4.5 * 1.4826
"""Median deviations within which nearly all of a Gaussian lies."""
_NEARLY = 2.0
"""Times of that, up to which the axis is made longer to show all."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Columns of a crowd of points, (c,) each; empty columns are left out."""

    x: NDArray[np.float64]
    """Mean of the points in a column."""
    low: NDArray[np.float64]
    quarter: NDArray[np.float64]
    """A quarter of the points is below."""
    middle: NDArray[np.float64]
    three_quarters: NDArray[np.float64]
    high: NDArray[np.float64]


def envelope(
    x: NDArray[np.float64], y: NDArray[np.float64], columns: int = _COLUMNS
) -> Envelope:
    """Gather points into columns of equal width.

    Parameters
    ----------
    x, y
        (n,) finite, in any order; at least one.
    columns
        At most so many.
    """
    first, last = float(x.min()), float(x.max())
    width = (last - first) / columns or 1.0
    which = np.minimum(((x - first) / width).astype(np.int64), columns - 1)
    order = np.lexsort((y, which))
    ordered, values = which[order], y[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    counts = np.diff(np.append(begins, len(values)))

    def quantile(q: float) -> NDArray[np.float64]:
        return values[begins + np.rint(q * (counts - 1)).astype(np.int64)]

    centre = np.add.reduceat(x[order], begins) / counts
    return Envelope(centre, *(quantile(q) for q in (0, 0.25, 0.5, 0.75, 1)))


def thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], columns: int = _COLUMNS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a curve as so many points as a picture shows, sorted by x.

    Each column gives its lowest and its highest value, in the order in which they come.
    """
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    if len(x) <= 2 * columns:
        order = np.argsort(x, kind="stable")
        return x[order], y[order]
    found = envelope(x, y, columns)
    rising = np.append(np.diff(found.middle) >= 0, True)
    one = np.where(rising, found.low, found.high)
    other = np.where(rising, found.high, found.low)
    return np.repeat(found.x, 2), np.column_stack([one, other]).ravel()


def reach(values: NDArray[np.float64], least: float) -> float:
    """Return how far an axis goes to either side to show all but a few stray values.

    Parameters
    ----------
    values
        Errors, (n,); what is not finite does not count.
    least
        What must be seen whatever they are, such as their band.
    """
    size = np.abs(values[np.isfinite(values)])
    usual = _USUAL * float(np.median(size)) if len(size) else 0.0
    whole = float(size.max()) if len(size) else 0.0
    wanted = max(least if np.isfinite(least) else 0.0, usual, _LEAST_NS)
    return _BEYOND * (max(whole, wanted) if whole <= _NEARLY * wanted else wanted)
