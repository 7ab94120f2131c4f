"""When a line was high, so that an LED or a wire on it can be followed.

Changes come in order, but may be told ahead of time: what was foreseen and does not
come is cut off again. Old ones are forgotten.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LineTrack"]

_MOST = 16_384


class LineTrack:
    """The changes of one line, on the host's clock. It is low at first.

    Examples
    --------
    >>> line = LineTrack()
    >>> line.change(1000, True)
    >>> line.change(3000, False)
    >>> line.high_fraction(0, 2000), line.high_fraction(1500, 2500)
    (0.5, 1.0)
    """

    def __init__(self) -> None:
        self._at_ns: list[int] = []
        self._high_ns: list[int] = []
        """How long it had been high by then, in all."""
        self._levels: list[bool] = []

    def change(self, host_ns: int, level: bool) -> None:
        """Take note of a change; it must not be before the last one."""
        if level == (self._levels[-1] if self._levels else False):
            return
        self._high_ns.append(self._high_at(host_ns))
        self._at_ns.append(host_ns)
        self._levels.append(level)
        if len(self._at_ns) > _MOST:
            for column in (self._at_ns, self._high_ns, self._levels):
                del column[: _MOST // 2]

    def cut(self, host_ns: int) -> None:
        """Forget what was foreseen for later: the line is low from then on."""
        kept = bisect_right(self._at_ns, host_ns)
        for column in (self._at_ns, self._high_ns, self._levels):
            del column[kept:]
        self.change(host_ns, level=False)

    def high_fraction(self, begin_ns: int, end_ns: int) -> float:
        """Return which part of an interval it was high, 0 to 1."""
        return (self._high_at(end_ns) - self._high_at(begin_ns)) / (end_ns - begin_ns)

    def high_fractions(
        self, begin_ns: NDArray[np.float64], end_ns: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the same of intervals (n,) that are in order."""
        if not self._at_ns or not len(begin_ns):
            return np.zeros(len(begin_ns))
        first = max(bisect_left(self._at_ns, begin_ns[0]) - 1, 0)
        last = bisect_right(self._at_ns, end_ns[-1])
        # two more corners, where the line goes on as it was
        ends = [int(begin_ns[0]) - 1, int(end_ns[-1]) + 1]
        at_ns = [*self._at_ns[first:last], *ends]
        high_ns = [*self._high_ns[first:last], *(self._high_at(ns) for ns in ends)]
        order = np.argsort(at_ns, kind="stable")
        corners = np.array(at_ns, np.float64)[order]
        high = np.array(high_ns, np.float64)[order]
        gained = np.interp(end_ns, corners, high) - np.interp(begin_ns, corners, high)
        return gained / (end_ns - begin_ns)

    def _high_at(self, host_ns: int) -> int:
        k = bisect_right(self._at_ns, host_ns) - 1
        if k < 0:
            return self._high_ns[0] if self._high_ns else 0
        return self._high_ns[k] + self._levels[k] * (host_ns - self._at_ns[k])
