"""Fewer points that look the same: what a screen of so many columns can show. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Columns", "centre_of_pressure", "envelope", "thinned"]


class Columns(NamedTuple):
    """The extremes of a series in each column of a screen."""

    times_s: NDArray[np.float64]
    """(columns,) middle of each column that has elements."""
    low: NDArray[Any]
    """(columns, ...)."""
    high: NDArray[Any]
    """(columns, ...)."""

    @property
    def line(self) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """A line through low and high of each column: times and values (2 columns,)."""
        times = np.repeat(self.times_s, 2)
        values = np.empty((len(times), *self.low.shape[1:]), self.low.dtype)
        values[::2], values[1::2] = self.low, self.high
        return times, values


def thinned(
    times_s: NDArray[np.float64],
    values: NDArray[Any],
    start_s: float,
    end_s: float,
    columns: int,
) -> Columns:
    """Return the least and the largest value in each column: no peak is lost.

    Parameters
    ----------
    times_s
        (n,) ascending.
    values
        (n, ...).
    start_s, end_s
        The left and right border of the screen.
    columns
        Of the screen; those without elements are left out. Borders lie at whole
        multiples of a column's width, so that a scrolled picture does not tremble.

    Examples
    --------
    >>> found = thinned(np.arange(4.0), np.array([3, 1, 2, 5]), 0, 4, 2)
    >>> found.low.tolist(), found.high.tolist()
    ([1, 2], [3, 5])
    """
    if not len(times_s) or end_s <= start_s:
        empty = values[:0]
        return Columns(times_s[:0], empty, empty)
    width_s = (end_s - start_s) / columns
    place, firsts = _places(times_s, width_s)
    return Columns(
        (place[firsts] + 0.5) * width_s,
        np.minimum.reduceat(values, firsts, axis=0),
        np.maximum.reduceat(values, firsts, axis=0),
    )


def envelope(
    times_s: NDArray[np.float64], values: NDArray[Any], width_s: float
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the root mean square of a signal in each stretch of so much time.

    Parameters
    ----------
    times_s
        (n,) ascending.
    values
        (n, channels), about zero.
    width_s
        Length of a stretch; they begin at whole multiples of it.

    Returns
    -------
    tuple
        (m,) middle of each stretch that has samples, and (m, channels).

    Examples
    --------
    >>> envelope(np.arange(4.0), np.array([[3.0], [-3.0], [1.0], [-1.0]]), 2.0)[1].T
    array([[3., 1.]])
    """
    if not len(times_s):
        return times_s, values
    place, firsts = _places(times_s, width_s)
    counts = np.diff(firsts, append=len(times_s))[:, None]
    sums = np.add.reduceat(values * values, firsts, axis=0)
    return (place[firsts] + 0.5) * width_s, np.sqrt(sums / counts)


def centre_of_pressure(
    forces: NDArray[np.float64], channels: tuple[str, ...], least_mn: float = 20.0
) -> NDArray[np.float64] | None:
    """Return where the ground is pressed (n, 2): x and y in mm from the middle.

    For a platform whose moments are taken about the middle of its surface:
    x = -My / Fz, y = Mx / Fz.

    Parameters
    ----------
    forces
        (n, channels) in mN and mN mm.
    channels
        Their names.
    least_mn
        Below this vertical force nothing stands there: NaN.

    Returns
    -------
    ndarray or None
        None where Fz, Mx or My is not measured.
    """
    if not {"Fz", "Mx", "My"} <= set(channels):
        return None
    fz, mx, my = (forces[:, channels.index(name)] for name in ("Fz", "Mx", "My"))
    stands = np.abs(fz) > least_mn
    found = np.full((len(forces), 2), np.nan)
    np.divide(-my, fz, out=found[:, 0], where=stands)
    np.divide(mx, fz, out=found[:, 1], where=stands)
    return found


def _places(
    times_s: NDArray[np.float64], width_s: float
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the column of each element, and where each column begins."""
    place = np.floor(times_s / width_s).astype(np.int64)
    return place, np.flatnonzero(np.diff(place, prepend=place[0] - 1))
