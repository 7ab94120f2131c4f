"""The line through the elements of a stream, broken where something is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.session.data import StreamData

__all__ = ["Line", "Place"]


class Place(NamedTuple):
    """Where on the line m times lie."""

    time_ns: NDArray[np.float64]
    """(m,) on the line's own time."""
    left: NDArray[np.intp]
    """(m,) element before each, or at it; the first one, if there is none."""
    share: NDArray[np.float64]
    """(m,) how far each is on the way to the next element; 0 at an element."""
    known: NDArray[np.bool_]
    """(m,) whether the line is there."""


class Line:
    """Straight from element to element; its time starts at the first one, in ns.

    Parameters
    ----------
    data
        The elements, one at least.
    values
        (n, …) numbers, theirs.
    gap_ns
        Longest time between two elements that the line crosses.
    """

    def __init__(self, data: StreamData, values: NDArray[Any], gap_ns: float) -> None:
        self._origin_ns = data.time_ns[0]
        self._time_ns = self.relative(data.time_ns)
        self._values = values
        self._present = data.present
        self._joined = np.append(data.joined(gap_ns), False)
        self._breaks = np.append(0, np.cumsum(~self._joined))
        """How many of the steps before each element cannot be made."""

    def relative(self, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return session times on the line's own time."""
        return (time_ns - self._origin_ns).astype(np.float64)

    def place(self, time_ns: NDArray[np.float64]) -> Place:
        """Return where on the line times (m,) lie."""
        before = np.searchsorted(self._time_ns, time_ns, "right") - 1
        left = np.maximum(before, 0)
        ahead_ns = time_ns - self._time_ns[left]
        between = (before >= 0) & self._joined[left] & (ahead_ns > 0)
        step_ns = np.where(between, self._time_ns[self._next(left)], np.inf)
        step_ns = step_ns - self._time_ns[left]
        known = between | ((ahead_ns == 0) & self._present[left])
        return Place(time_ns, left, np.where(between, ahead_ns / step_ns, 0.0), known)

    def at(self, place: Place) -> NDArray[Any]:
        """Return the line's values (m, …); at an element, just that element's."""
        begin, end = self._values[place.left], self._values[self._next(place.left)]
        share = _along(place.share, begin).astype(begin.dtype)
        return np.where(share == 0, begin, begin + (end - begin) * share)

    def mean(
        self, begin_ns: NDArray[np.float64], end_ns: NDArray[np.float64]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the mean of the line over m intervals, and where it is known.

        It is where the line has no break from the begin of the interval to its end.
        """
        begin, end = self.place(begin_ns), self.place(end_ns)
        known = begin.known & end.known
        known &= self._breaks[begin.left] == self._breaks[end.left]
        at_begin, at_end = self.at(begin), self.at(end)
        first = self._next(begin.left)
        area = self._area(first, end.left)
        area += _trapezes(
            at_begin, self._values[first], self._time_ns[first] - begin.time_ns
        )
        area += _trapezes(
            self._values[end.left], at_end, end.time_ns - self._time_ns[end.left]
        )
        within = _along(begin.left == end.left, area)
        width_ns = _along(end_ns - begin_ns, area)
        return np.where(within, 0.5 * (at_begin + at_end), area / width_ns), known

    def _next(self, element: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.minimum(element + 1, len(self._time_ns) - 1)

    def _area(
        self, first: NDArray[np.intp], last: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the areas (m, …) under the line from elements to others."""
        steps = _trapezes(self._values[:-1], self._values[1:], np.diff(self._time_ns))
        # two more, so that every place is one that can be summed from
        steps = np.concatenate(
            [steps, np.zeros_like(steps, shape=(2, *steps.shape[1:]))]
        )
        ends = np.stack([first, np.maximum(first, last)], axis=1).ravel()
        sums = np.add.reduceat(steps, ends, axis=0)[::2]
        return np.where(_along(first < last, sums), sums, 0.0)


def _trapezes(
    begin: NDArray[Any], end: NDArray[Any], width_ns: NDArray[np.float64]
) -> NDArray[np.float64]:
    return 0.5 * (begin + end) * _along(width_ns, begin)


def _along(column: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return a column (m,) that goes with values (m, …)."""
    return column.reshape(-1, *(1,) * (values.ndim - 1))
