"""Where and when something is missing: told by the rows around the hole.

A loss is listed by number. The rows before and after the hole have host times,
and with them it is known when it was and for how long nothing came.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.recording.ledger import Missing

__all__ = ["Gap", "gaps_of", "placed"]

_TOLD_S = 0.5
"""A loss is written at the latest so long after the row after it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that lack between two rows, and when that was."""

    first: int
    count: int | None
    """None after the last row: where it would end, the rows do not tell."""
    before_s: float | None
    """Host time of the row before, since the session's start; None if there is none."""
    after_s: float | None
    """Host time of the row after; None if there is none."""

    def was_told_of(self, at_s: float) -> bool:
        """Tell whether what is said at a time may be about this hole.

        Examples
        --------
        >>> hole = Gap(7, 2, before_s=1.0, after_s=1.3)
        >>> [hole.was_told_of(at_s) for at_s in (0.9, 1.1, 1.5, 9.0)]
        [False, True, True, False]
        """
        begun = self.before_s is None or self.before_s <= at_s
        return begun and (self.after_s is None or at_s <= self.after_s + _TOLD_S)


def gaps_of(
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
    host_ns: NDArray[np.int64],
    started_host_ns: int,
    first: int | None = None,
) -> list[Gap]:
    """Return the holes in a column of numbers, the one after the last included.

    Parameters
    ----------
    numbers
        (n,) number of each row's first element.
    counts
        (n,) elements in each row.
    host_ns
        (n,) host time of each row.
    started_host_ns
        Host time from which times are counted.
    first
        Number that the first row should have; None where that is not known.

    Returns
    -------
    list of Gap
        In order; empty where there are no rows, or where the numbers run backwards.
    """
    if not len(numbers):
        return []
    ends = numbers + counts
    holes = numbers[1:] - ends[:-1]
    if (holes < 0).any():
        return []
    times_s = (host_ns - started_host_ns) / 1e9
    gaps = [
        Gap(int(ends[k]), int(holes[k]), float(times_s[k]), float(times_s[k + 1]))
        for k in np.flatnonzero(holes)
    ]
    if first is not None and numbers[0] > first:
        gaps.insert(0, Gap(first, int(numbers[0]) - first, None, float(times_s[0])))
    return [*gaps, Gap(int(ends[-1]), None, float(times_s[-1]), None)]


def placed(missing: Missing, gaps: Sequence[Gap], rate_hz: float | None) -> Missing:
    """Return what is missing with when that was.

    What is a part of a hole gets its part of the hole's time. What is in none keeps
    the time at which it was told of.

    Parameters
    ----------
    missing
        With the time at which it was told of, where a row of the session tells.
    gaps
        Holes in the numbers by which it is listed, in order.
    rate_hz
        Nominal numbers per second; tells how long it was where no row came before or
        after.
    """
    at_s, duration_s = missing.at_s, missing.count / rate_hz if rate_hz else None
    gap = _gap_of(missing.first_id, gaps)
    if gap is not None and gap.before_s is not None:
        at_s = gap.before_s
        if gap.after_s is not None and gap.count is not None:
            span_s = gap.after_s - gap.before_s
            at_s += span_s * (missing.first_id - gap.first) / gap.count
            duration_s = span_s * min(1.0, missing.count / gap.count)
    return replace(
        missing,
        at_s=None if at_s is None else round(at_s, 6),
        duration_ms=None if duration_s is None else round(1e3 * duration_s, 3),
    )


def _gap_of(number: int, gaps: Sequence[Gap]) -> Gap | None:
    """Return the hole in which a number lies."""
    at = bisect_right(gaps, number, key=lambda gap: gap.first) - 1
    if at < 0:
        return None
    gap = gaps[at]
    return gap if gap.count is None or number < gap.first + gap.count else None
