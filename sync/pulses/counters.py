"""Counters of a few bits, made to go on where they begin anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["UnwrappedCounter", "unwrap_counter"]


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
