"""A regular train on its own grid: which tick each pulse is, and how far beside it.

The phase is followed in blocks, as a mean on the circle, so that pulses that miss,
spurious ones and a wandering generator do not lose count. What remains of each pulse,
its distance from the local grid, is the fingerprint by which two logs of one train
are recognised: deliberate dither, or the generator's own jitter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sync.matching.trains import robust_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Grid", "grid_of", "period_of"]

_BLOCK = 32
_WINDOW = 64
"""Pulses over which the local grid is averaged."""
_LEAST_COHERENCE = 0.5
_LEAST_SHARE = 0.45
"""Share of the gaps that are one period, within a ninth."""
_OFF_GRID = 0.25
_LONGEST_GAP = 4_096
"""Periods; longer pauses are cut to this, which changes no shift between trains."""
_CLIP = 4.0
_LEAST_PULSES = 8
_STRAIGHT = 0.01
"""Cycles per block by which the period may still be wrong: the phases follow."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The pulses that lie on the grid; others are left out."""

    period_ns: float
    pulse: NDArray[np.int64]
    """Positions in the run, ascending."""
    tick: NDArray[np.int64]
    """Number of each on the grid, from 0, strictly ascending."""
    beside_ns: NDArray[np.float64]
    """How late each is against the grid around it."""

    @property
    def sd_ns(self) -> float:
        """Robust standard deviation about the grid."""
        return robust_sd(self.beside_ns)

    def dense(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the residuals by tick in robust sd, clipped, and where there are."""
        size = int(self.tick[-1]) + 1
        values, present = np.zeros(size), np.zeros(size)
        scale = max(self.sd_ns, 1e-3)
        values[self.tick] = np.clip(self.beside_ns / scale, -_CLIP, _CLIP)
        present[self.tick] = 1.0
        return values, present


def period_of(ns: NDArray[np.float64]) -> float | None:
    """Return the period of a run, None when its gaps are of many lengths."""
    gaps = np.sort(np.diff(ns))
    gaps = gaps[gaps > 0.0]
    if gaps.size < _LEAST_PULSES:
        return None
    counts = np.searchsorted(gaps, 1.25 * gaps, side="right") - np.arange(gaps.size)
    best = int(np.argmax(counts))
    if counts[best] < _LEAST_SHARE * gaps.size:
        return None
    return float(np.median(gaps[best : best + counts[best]]))


def grid_of(ns: NDArray[np.float64], period_ns: float) -> Grid | None:
    """Return the pulses of a run on a grid, None when they keep to none."""
    found = _on_grid(ns, np.arange(ns.size), period_ns)
    if found is not None and found[0].size < ns.size:
        # once more without the spurious ones, which shake the phase
        found = _on_grid(ns, found[0], found[3])
    if found is None:
        return None
    pulse, cycles, off, period_ns = found
    kept = _one_per_tick(np.round(cycles), off)
    pulse, tick, beside = pulse[kept], np.round(cycles[kept]), off[kept] * period_ns
    steps = np.minimum(np.diff(tick).astype(np.int64), _LONGEST_GAP)
    return Grid(
        period_ns=period_ns,
        pulse=pulse,
        tick=np.concatenate([[0], np.cumsum(steps)]),
        beside_ns=beside - _local_mean(beside),
    )


def _on_grid(
    ns: NDArray[np.float64], pulse: NDArray[np.int64], period_ns: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], float] | None:
    """Return which of the pulses keep to the grid, in cycles, by how much; period."""
    found = _follow(ns[pulse], period_ns)
    if found is None:
        return None
    cycles, period_ns = found
    off = cycles - np.round(cycles)
    off = off - float(np.median(off))
    kept = np.abs(off) <= min(_OFF_GRID, max(7.0 * robust_sd(off), 1e-6))
    if np.count_nonzero(kept) < _LEAST_PULSES:
        return None
    return pulse[kept], cycles[kept], off[kept], period_ns


def _follow(
    ns: NDArray[np.float64], period_ns: float
) -> tuple[NDArray[np.float64], float] | None:
    """Return each pulse in cycles of the local grid, and the period."""
    block = _BLOCK if ns.size >= 2 * _BLOCK else max(ns.size // 2, 4)
    centres, phase, coherence = _phases(ns, period_ns, block)
    for _ in range(3):
        better = _mean_period(period_ns, centres, phase)
        if abs(better / period_ns - 1.0) * block < _STRAIGHT:
            break
        period_ns = better
        centres, phase, coherence = _phases(ns, period_ns, block)
    if float(np.median(coherence)) < _LEAST_COHERENCE:
        return None
    cycles = ns / period_ns - np.interp(ns, centres, phase)
    return cycles, _mean_period(period_ns, centres, phase)


def _mean_period(
    period_ns: float, centres: NDArray[np.float64], phase: NDArray[np.float64]
) -> float:
    """Return the period that the phases ask for, pauses aside."""
    if centres.size < 2:
        return period_ns
    # the usual slope, not the mean one: a pause may hide any number of periods
    slope = float(np.median(np.diff(phase) / np.diff(centres)))
    return period_ns / (1.0 - slope * period_ns)


def _phases(
    ns: NDArray[np.float64], period_ns: float, block: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return per block: its centre, its phase in cycles unwrapped, its coherence."""
    starts = np.arange(0, max(ns.size - block // 2, 1), block)
    sizes = np.diff(np.append(starts, ns.size))
    angle = 2.0 * np.pi * np.remainder(ns / period_ns, 1.0)
    cosine = np.add.reduceat(np.cos(angle), starts) / sizes
    sine = np.add.reduceat(np.sin(angle), starts) / sizes
    centres = np.add.reduceat(ns, starts) / sizes
    phase = np.unwrap(np.arctan2(sine, cosine)) / (2.0 * np.pi)
    return centres, phase, np.hypot(cosine, sine)


def _one_per_tick(
    tick: NDArray[np.float64], off: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return which pulses to keep: of those on one tick the nearest to it."""
    if bool((np.diff(tick) > 0).all()):
        return np.arange(tick.size)
    order = np.lexsort((np.abs(off), tick))
    first = np.concatenate([[True], np.diff(tick[order]) > 0])
    chosen = np.sort(order[first])
    highest = np.maximum.accumulate(tick[chosen])
    rises = np.concatenate([[True], tick[chosen][1:] > highest[:-1]])
    return chosen[rises]


def _local_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running mean of the clipped values."""
    limit = 4.0 * robust_sd(values) + 1e-3
    clipped = np.clip(values - np.median(values), -limit, limit)
    total = np.concatenate([[0.0], np.cumsum(clipped)])
    at = np.arange(values.size)
    low = np.maximum(at - _WINDOW // 2, 0)
    high = np.minimum(at + _WINDOW // 2 + 1, values.size)
    return (total[high] - total[low]) / (high - low) + float(np.median(values))
