"""The last minutes of something that goes on: constant memory, any stretch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["History", "Stretch"]


class Stretch(NamedTuple):
    """Elements between two times. They may be overwritten by the next `add`."""

    times_ns: NDArray[np.int64]
    """(n,) host time of each, ascending."""
    values: NDArray[Any]
    """(n, *shape)."""


class History:
    """Keeps the newest elements of a series, each with its host time.

    The buffer holds twice as many as are kept: when it is full, the newer half moves
    to its front. So each stretch lies in one piece, and adding costs a copy of what
    is added and, on average, one more.

    Parameters
    ----------
    capacity
        How many are kept at least, once so many were added.
    shape
        Of one element's value.
    dtype
        Of the values.

    Examples
    --------
    >>> history = History(3)
    >>> history.add([1, 2, 3, 4], [10, 20, 30, 40])
    >>> history.between(2, 3).values.tolist()
    [20.0, 30.0]
    """

    def __init__(
        self,
        capacity: int,
        shape: tuple[int, ...] = (),
        dtype: DTypeLike = np.float64,
    ) -> None:
        self._capacity = capacity
        self._times = np.empty(2 * capacity, np.int64)
        self._values = np.empty((2 * capacity, *shape), dtype)
        # taken at once: what a program takes later looks like a leak, and may lack
        self._times.fill(0)
        self._values.fill(0)
        self._end = 0

    def __len__(self) -> int:
        """Return how many elements can be asked for."""
        return self._end

    @property
    def newest_ns(self) -> int | None:
        """Time of the newest element; None before the first."""
        return int(self._times[self._end - 1]) if self._end else None

    def add(self, times_ns: Any, values: Any) -> None:
        """Add elements in the order of their times.

        One whose time is before the last one's is taken to be of the same moment: a
        clock that is corrected by a microsecond puts no kink into the series.

        Parameters
        ----------
        times_ns
            (n,) host times.
        values
            (n, *shape).
        """
        times = np.asarray(times_ns, np.int64)[-self._capacity :]
        n = len(times)
        if n == 0:
            return
        if self._end + n > len(self._times):
            self._make_room(n)
        here = slice(self._end, self._end + n)
        floor = self._times[self._end - 1] if self._end else times[0]
        np.maximum.accumulate(np.maximum(times, floor), out=self._times[here])
        self._values[here] = np.asarray(values)[-self._capacity :]
        self._end += n

    def between(self, start_ns: int, end_ns: int) -> Stretch:
        """Return the elements from `start_ns` to `end_ns`, both included."""
        times = self._times[: self._end]
        first = int(np.searchsorted(times, start_ns, "left"))
        last = int(np.searchsorted(times, end_ns, "right"))
        return Stretch(times[first:last], self._values[first:last])

    def clear(self) -> None:
        """Forget everything."""
        self._end = 0

    def _make_room(self, n: int) -> None:
        kept = min(self._end, self._capacity, len(self._times) - n)
        old = slice(self._end - kept, self._end)
        self._times[:kept] = self._times[old].copy()
        self._values[:kept] = self._values[old].copy()
        self._end = kept
