"""A line over time, and for which part of an exposure it was high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Line", "Looks"]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """The pulses of a line; between them it is low.

    Examples
    --------
    >>> line = Line.of_edges([1000, 3000], [True, False])
    >>> line.share([0, 1500, 2500], [2000, 2500, 4500]).tolist()
    [0.5, 1.0, 0.25]
    """

    rise_ns: NDArray[np.int64]
    """(n,) in order."""
    fall_ns: NDArray[np.int64]
    """(n,) each behind its rise and not behind the next one."""

    @staticmethod
    def of_edges(times_ns: ArrayLike, rising: ArrayLike) -> Line:
        """Make a line of its edges; one whose other half is missing is left out.

        Parameters
        ----------
        times_ns
            Times of the edges (n,).
        rising
            Which way each went (n,).
        """
        times = np.atleast_1d(np.asarray(times_ns, np.int64))
        order = np.argsort(times, kind="stable")
        times, ups = times[order], np.atleast_1d(np.asarray(rising, bool))[order]
        whole = np.flatnonzero(ups[:-1] & ~ups[1:])
        return Line(times[whole], times[whole + 1])

    def share(self, begin_ns: ArrayLike, end_ns: ArrayLike) -> NDArray[np.float64]:
        """Return for which part of each interval the line was high, 0 to 1."""
        begin = np.asarray(begin_ns, np.float64)
        end = np.asarray(end_ns, np.float64)
        if not len(self.rise_ns):
            return np.zeros(np.broadcast(begin, end).shape)
        corners = self.edges_ns
        high = np.repeat(np.cumsum(self.fall_ns - self.rise_ns), 2)
        high[0::2] = np.concatenate([[0], high[1:-1:2]])
        gained = np.interp(end, corners, high) - np.interp(begin, corners, high)
        return np.clip(gained / (end - begin), 0.0, 1.0)

    @property
    def edges_ns(self) -> NDArray[np.int64]:
        """All edges (2 n,) in order, a rise first."""
        return np.stack([self.rise_ns, self.fall_ns], axis=1).ravel()

    def nearest(self, times_ns: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return which edge is nearest to each time (n,)."""
        edges = self.edges_ns
        return np.searchsorted((edges[1:] + edges[:-1]) / 2, times_ns)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What was seen of a line: by a camera at a spot, or by a converter on a channel.

    One look for each place in the row of frames or samples, also where there is none.
    """

    begin_ns: NDArray[np.float64]
    """(n,) when each look began: an exposure, or a sample's period."""
    end_ns: NDArray[np.float64]
    """(n,) when it ended."""
    level: NDArray[np.float64]
    """(n,) how bright or high it was; NaN where nobody looked, or a frame is lost."""

    @property
    def period_ns(self) -> float:
        """Median time from look to look."""
        return float(np.median(np.diff(self.begin_ns)))

    @property
    def seen(self) -> NDArray[np.int64]:
        """Places at which there is a look."""
        return np.flatnonzero(np.isfinite(self.level))
