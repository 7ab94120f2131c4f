"""A train as given: checked, cut where its clock began anew, doubles set aside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Run", "as_train", "lot", "resolution", "robust_sd", "runs_of"]

TICK_NS = 100_000
"""Steps back of at most this are a stamp's coarse tick, not a restart."""
MOST_RUNS = 64
MOST_SAMPLED = 30_000
"""Values that a robust figure looks at."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a train in which time runs forward."""

    index: NDArray[np.int64]
    """Positions in the train, in order of time, one for each distinct stamp."""
    ns: NDArray[np.float64]
    """Times since `origin_ns`: float64 holds them exactly for a hundred days."""
    origin_ns: int

    def cut(self, first: int, last: int) -> Run:
        """Return the part whose positions lie in [first, last)."""
        inside = (self.index >= first) & (self.index < last)
        return Run(self.index[inside], self.ns[inside], self.origin_ns)


def as_train(name: str, times: ArrayLike) -> NDArray[np.int64]:
    """Return the times as a checked int64 array.

    Raises
    ------
    ValueError
        If they are not one row of integers.
    """
    array = np.asarray(times)
    if array.ndim != 1:
        msg = f"Expected {name} as one row of times, got shape {array.shape}"
        raise ValueError(msg)
    if array.size and array.dtype.kind not in "iu":
        msg = (
            f"Expected {name} as integers (nanoseconds), got {array.dtype}: "
            "float seconds lose pulses' order; round them to int64 nanoseconds"
        )
        raise ValueError(msg)
    return array.astype(np.int64)


def runs_of(name: str, train: NDArray[np.int64]) -> list[Run]:
    """Cut a train at its backward steps: there the clock began anew.

    Raises
    ------
    ValueError
        If it steps back so often that it is simply not in order.
    """
    back = np.flatnonzero(np.diff(train) < -TICK_NS) + 1
    if back.size >= MOST_RUNS:
        msg = (
            f"Expected {name} in the order they were recorded, with at most "
            f"{MOST_RUNS - 1} restarts, got {back.size} steps back: sort them"
        )
        raise ValueError(msg)
    edges = [0, *back.tolist(), train.size]
    return [_run(train, first, last) for first, last in pairwise(edges) if last > first]


def _run(train: NDArray[np.int64], first: int, last: int) -> Run:
    part = train[first:last]
    distinct, where = np.unique(part, return_index=True)
    return Run(
        index=first + where.astype(np.int64),
        ns=(distinct - distinct[0]).astype(np.float64),
        origin_ns=int(distinct[0]),
    )


def robust_sd(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of the bulk: 1.4826 times the median deviation.

    Of many values a lot is looked at, by chance lest it fall in step with a pattern,
    and the same each time: that is exact to a per cent.
    """
    if not values.size:
        return 0.0
    if values.size > 2 * MOST_SAMPLED:
        values = values[lot(values.size, MOST_SAMPLED)]
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def lot(size: int, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Return positions among `size` drawn by a lot that always falls alike."""
    return (np.random.default_rng(seed).random(count) * size).astype(np.int64)


def resolution(ns: NDArray[np.float64]) -> float:
    """Return the tick of the stamps, in ns: 1, or the step between the gaps seen.

    Stamps counted in coarse ticks have gaps of few different lengths. For a short
    train without ticks the answer is too large, by far less than its jitter.
    """
    steps = np.diff(np.sort(np.diff(ns[: 4 * MOST_SAMPLED])))
    steps = steps[steps > 10.0]
    return max(1.0, float(np.median(steps))) if steps.size else 1.0
