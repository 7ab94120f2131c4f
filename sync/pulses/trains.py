"""Trains that look like nothing but themselves: random intervals, dithered triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sync.pulses.words import integers_below, random_words

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LEAST_INTERVAL_US",
    "MOST_INTERVAL_US",
    "random_pulses_us",
    "trigger_displacements_ns",
    "trigger_times_ns",
]

LEAST_INTERVAL_US = 100_000
"""Shortest time from rise to rise on the random-interval line."""
MOST_INTERVAL_US = 1_900_000
"""Longest time from rise to rise; the mean is 1 s."""

_TRIGGER_LANE = 0
_NUMBERS = 1 << 32


def random_pulses_us(seed: int, segment: int, span_us: int) -> NDArray[np.int64]:
    """Return the rises of the random-interval line in one segment of its time.

    The intervals from rise to rise (and to the first one) are uniform in
    [`LEAST_INTERVAL_US`, `MOST_INTERVAL_US`], in whole microseconds. A segment's
    pulses depend on its number alone, so that a train that begins anew never repeats
    itself. No pulse begins in the last `LEAST_INTERVAL_US` of a segment.

    Parameters
    ----------
    seed
        Of the session.
    segment
        Number of the segment, 32 bits.
    span_us
        Length of the segment.

    Returns
    -------
    (n,) times since the beginning of the segment.
    """
    most = max(span_us // LEAST_INTERVAL_US, 0)
    # lane 0 is that of the triggers
    words = random_words(seed, segment + 1, np.arange(most))
    intervals = LEAST_INTERVAL_US + integers_below(
        words, MOST_INTERVAL_US - LEAST_INTERVAL_US + 1
    )
    rises = np.cumsum(intervals)
    return rises[rises <= span_us - LEAST_INTERVAL_US]


def trigger_displacements_ns(
    seed: int, numbers: ArrayLike, dither_ns: int
) -> NDArray[np.int64]:
    """Return how far each trigger is moved from its place on the grid.

    Parameters
    ----------
    seed
        Of the session.
    numbers
        Numbers of the triggers (n,). Trigger 0 is not moved: nothing begins before
        its time.
    dither_ns
        Largest displacement; 0 moves none.

    Returns
    -------
    (n,) ns, uniform in [-dither, +dither].
    """
    index = np.atleast_1d(np.asarray(numbers, np.int64)) % _NUMBERS
    words = random_words(seed, _TRIGGER_LANE, index)
    moved = integers_below(words, 2 * dither_ns + 1) - dither_ns
    return np.where(index == 0, 0, moved)


def trigger_times_ns(
    seed: int, numbers: ArrayLike, period_ns: int, dither_ns: int
) -> NDArray[np.int64]:
    """Return the times of dithered triggers since the first one's place.

    The displacement is that of the edge, not of what follows: it does not add up.
    Two triggers are never nearer than half a period.

    Raises
    ------
    ValueError
        If the dither is above a quarter of the period, or below 0.
    """
    if not 0 <= 4 * dither_ns <= period_ns:
        msg = (
            f"Expected a dither of 0 to a quarter of the period of {period_ns} ns, got "
            f"{dither_ns} ns: cameras would be triggered faster than they can follow"
        )
        raise ValueError(msg)
    index = np.atleast_1d(np.asarray(numbers, np.int64))
    return index * period_ns + trigger_displacements_ns(seed, index, dither_ns)
