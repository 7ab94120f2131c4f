"""Pulses that tell which moment it is: how they are made, and how they are read.

A regular pulse looks the same one period later; a random one does not. So the rig
gives off a line whose pulses come after random intervals, and moves each camera
trigger a little, at random, from its place on the grid. Both follow from a seed by
`random_words`, 32-bit integers only, which the firmware computes bit for bit
(``rig/devices/firmware/springhare_daq/random.h``): any moment of the train can be
computed without what came before.

Reading is sceptical: `clean_pulses` pairs edges, and what is no pulse of the
expected width is listed, never dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LEAST_INTERVAL_US",
    "MOST_INTERVAL_US",
    "CleanPulses",
    "UnwrappedCounter",
    "clean_pulses",
    "random_pulses_us",
    "random_words",
    "trigger_displacements_ns",
    "trigger_times_ns",
    "unwrap_counter",
]

LEAST_INTERVAL_US = 100_000
"""Shortest time from rise to rise on the random-interval line."""
MOST_INTERVAL_US = 1_900_000
"""Longest time from rise to rise; the mean is 1 s."""

_GOLDEN = 0x9E3779B9
_MASK = 0xFFFFFFFF
_MIX_1, _MIX_2 = 0x85EBCA6B, 0xC2B2AE35
_TRIGGER_LANE = 0
_GLITCH = 0.3
"""What is shorter than this part of the nominal width is a glitch."""
_WIDTH_SLACK = 0.5
"""By so much of itself the width of a pulse may be off."""


def random_words(seed: int, lane: int, index: ArrayLike) -> NDArray[np.uint32]:
    """Return random 32-bit words, each a pure function of (seed, lane, index).

    It is SplitMix in 32 bits: a Weyl sequence of step 0x9E3779B9, finished by the
    mixer of MurmurHash3 (Steele, Lea and Flood 2014); the lane picks the sequence.

    Parameters
    ----------
    seed, lane
        32-bit integers; higher bits do not count.
    index
        Which words (n,), each below 2³².

    Returns
    -------
    (n,) uint32.
    """
    numbers = np.atleast_1d(np.asarray(index, np.int64)).astype(np.uint64)
    start = _mix(np.array([seed & _MASK], np.uint64) + ((lane + 1) * _GOLDEN & _MASK))
    return _mix(start + (numbers + 1) * _GOLDEN).astype(np.uint32)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finish MurmurHash3 in 32 bits: every bit of the input moves every bit."""
    x = x & _MASK
    x = (x ^ x >> 16) * _MIX_1 & _MASK
    x = (x ^ x >> 13) * _MIX_2 & _MASK
    return x ^ x >> 16


def _below(words: NDArray[np.uint32], span: int) -> NDArray[np.int64]:
    """Return integers in [0, span), uniform but for 2⁻³² of the span."""
    return (words.astype(np.uint64) * span >> 32).astype(np.int64)


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
    intervals = LEAST_INTERVAL_US + _below(
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
    index = np.atleast_1d(np.asarray(numbers, np.int64)) & _MASK
    words = random_words(seed, _TRIGGER_LANE, index)
    moved = _below(words, 2 * dither_ns + 1) - dither_ns
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


@dataclass(frozen=True, slots=True)
class CleanPulses:
    """The pulses of a line, and all that was no pulse."""

    rise_ns: NDArray[np.int64]
    """Beginnings of the good pulses (n,), in order."""
    fall_ns: NDArray[np.int64]
    """Their ends (n,)."""
    glitches_ns: NDArray[np.int64]
    """(g, 2) begin and end of pulses below 0.3 of the nominal width, dips included."""
    misfits_ns: NDArray[np.int64]
    """(m, 2) begin and end of longer pulses that are not of the nominal width."""
    lone_rise_ns: NDArray[np.int64]
    """Rises whose fall is missing."""
    lone_fall_ns: NDArray[np.int64]
    """Falls whose rise is missing."""
    duplicates: int
    """Edges that were told twice, and were taken once."""
    out_of_order: int
    """Edges that were earlier than the one before them in the list."""
    inverted: bool
    """Whether the line is low where it should be high: the roles were swapped."""
    stuck_ns: NDArray[np.int64]
    """(s, 2) begin and end of spans without any edge, longer than was allowed."""

    @property
    def width_ns(self) -> NDArray[np.int64]:
        """Widths of the good pulses (n,)."""
        return self.fall_ns - self.rise_ns


def clean_pulses(
    times_ns: ArrayLike,
    rising: ArrayLike,
    *,
    width_ns: int,
    jitter_ns: int = 0,
    tick_ns: int = 0,
    longest_gap_ns: int | None = None,
    end_ns: int | None = None,
) -> CleanPulses:
    """Pair the edges of a line into pulses, and list what does not fit.

    Parameters
    ----------
    times_ns
        Times of the edges (n,), in any order.
    rising
        Which way each went (n,).
    width_ns
        Nominal width of a pulse. A good one is within half of it.
    jitter_ns
        By how much a width may be off besides, e.g. the period of the sampler.
    tick_ns
        Two edges of one direction so near each other are one, told twice.
    longest_gap_ns
        A longer time without an edge is a stuck line; None: any time is well.
    end_ns
        When the recording of the line ended; by default with the last edge.

    Examples
    --------
    >>> found = clean_pulses([0, 10, 50, 51, 90, 100], [1, 0, 1, 0, 1, 0], width_ns=10)
    >>> found.rise_ns.tolist(), found.glitches_ns.tolist()
    ([0, 90], [[50, 51]])
    """
    raw = np.atleast_1d(np.asarray(times_ns, np.int64))
    order = np.argsort(raw, kind="stable")
    times = raw[order]
    ups = np.atleast_1d(np.asarray(rising, bool))[order]
    same = np.zeros(len(times), bool)
    same[1:] = (ups[1:] == ups[:-1]) & (np.diff(times) <= tick_ns)
    times, ups = times[~same], ups[~same]
    inverted = _is_inverted(times, ups, width_ns, jitter_ns)
    ups = ~ups if inverted else ups
    pairs = np.flatnonzero(ups[:-1] & ~ups[1:])
    paired = np.zeros(len(times), bool)
    paired[pairs] = paired[pairs + 1] = True
    spans = np.stack([times[pairs], times[pairs + 1]], axis=1)
    spans, dips = _without_dips(spans, width_ns)
    width = spans[:, 1] - spans[:, 0]
    glitch = width < _GLITCH * width_ns
    good = ~glitch & (np.abs(width - width_ns) <= _WIDTH_SLACK * width_ns + jitter_ns)
    glitches = np.concatenate([spans[glitch], dips])
    return CleanPulses(
        rise_ns=spans[good, 0],
        fall_ns=spans[good, 1],
        glitches_ns=glitches[np.argsort(glitches[:, 0], kind="stable")],
        misfits_ns=spans[~glitch & ~good],
        lone_rise_ns=times[~paired & ups],
        lone_fall_ns=times[~paired & ~ups],
        duplicates=int(same.sum()),
        out_of_order=int((np.diff(raw) < 0).sum()),
        inverted=inverted,
        stuck_ns=_silences(times, longest_gap_ns, end_ns),
    )


def _is_inverted(
    times: NDArray[np.int64], ups: NDArray[np.bool_], width_ns: int, jitter_ns: int
) -> bool:
    """Tell whether the lows are as long as the highs should be, and the highs not."""
    span = np.diff(times)
    paired = ups[1:] != ups[:-1]
    fits = np.abs(span - width_ns) <= _WIDTH_SLACK * width_ns + jitter_ns
    high, low = paired & ups[:-1], paired & ~ups[:-1]
    long = span >= _GLITCH * width_ns  # glitches have no say
    highs, lows = fits[high & long], fits[low & long]
    if not len(highs) or not len(lows):
        return False
    return bool(lows.mean() > 0.5 > highs.mean())


def _without_dips(
    spans: NDArray[np.int64], width_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join what a bouncing contact has cut, where the whole fits better than a part.

    Returns
    -------
    The spans (n, 2), and the dips that were bridged (k, 2).
    """
    near = spans[1:, 0] - spans[:-1, 1] < _GLITCH * width_ns
    if not near.any():
        return spans, np.empty((0, 2), np.int64)
    kept: list[NDArray[np.int64]] = []
    dips: list[NDArray[np.int64]] = []
    for group in np.split(spans, np.flatnonzero(~near) + 1):
        part = np.abs(group[:, 1] - group[:, 0] - width_ns).min()
        if len(group) > 1 and abs(group[-1, 1] - group[0, 0] - width_ns) < part:
            kept.append(np.array([[group[0, 0], group[-1, 1]]]))
            dips.append(np.stack([group[:-1, 1], group[1:, 0]], axis=1))
        else:
            kept.append(group)
    none = np.empty((0, 2), np.int64)
    return np.concatenate([none, *kept]), np.concatenate([none, *dips])


def _silences(
    times: NDArray[np.int64], longest_ns: int | None, end_ns: int | None
) -> NDArray[np.int64]:
    if longest_ns is None or not len(times):
        return np.empty((0, 2), np.int64)
    last = times[-1] if end_ns is None else max(end_ns, times[-1])
    marks = np.append(times, last)
    long = np.flatnonzero(np.diff(marks) > longest_ns)
    return np.stack([marks[long], marks[long + 1]], axis=1)


@dataclass(frozen=True, slots=True)
class UnwrappedCounter:
    """A counter that goes on where the device's began anew."""

    values: NDArray[np.int64]
    """The counter without wraps (n,), beginning with the first raw value."""
    wraps: NDArray[np.int64]
    """Where it wrapped: indices of the first values after it."""
    backward: NDArray[np.int64]
    """Where it went back: indices. A reset, or elements out of order."""


def unwrap_counter(
    raw: ArrayLike,
    bits: int,
    *,
    tick_ns: float | None = None,
    host_ns: ArrayLike | None = None,
) -> UnwrappedCounter:
    """Unwrap a counter of `bits` bits.

    From one value to the next the counter is taken to have gone by less than half
    its range, forward or back. With `tick_ns` and `host_ns` (arrivals, which may be
    late by up to a quarter of the range) longer silences are told as well.

    Parameters
    ----------
    raw
        Values as they came (n,), each below 2 ** `bits`.
    bits
        Width of the counter, at most 62.
    tick_ns
        Nanoseconds of one count.
    host_ns
        Host time of each value (n,).

    Raises
    ------
    ValueError
        If a value does not fit into `bits` bits, or only one of `tick_ns` and
        `host_ns` is given.

    Examples
    --------
    >>> unwrap_counter([250, 255, 4, 3], 8).values.tolist()
    [250, 255, 260, 259]
    """
    values = np.atleast_1d(np.asarray(raw, np.int64))
    whole = 1 << bits
    if len(values) and not 0 <= values.min() <= values.max() < whole:
        msg = f"Expected values of {bits} bits, got {values.min()} to {values.max()}"
        raise ValueError(msg)
    if (tick_ns is None) != (host_ns is None):
        msg = "Expected tick_ns and host_ns together, got one: give both or neither"
        raise ValueError(msg)
    step = (np.diff(values) + whole // 2) % whole - whole // 2
    if tick_ns is not None and host_ns is not None:
        elapsed = np.diff(np.atleast_1d(np.asarray(host_ns, np.int64))) / tick_ns
        step += whole * np.rint((elapsed - step) / whole).astype(np.int64)
    unwrapped = values[:1].repeat(len(values))
    unwrapped[1:] += np.cumsum(step)
    turns = (unwrapped - values) // whole
    return UnwrappedCounter(
        values=unwrapped,
        wraps=np.flatnonzero(np.diff(turns) > 0) + 1,
        backward=np.flatnonzero(step < 0) + 1,
    )
