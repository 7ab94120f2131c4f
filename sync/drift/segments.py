"""Where a clock was reset or has leapt: the pulses are split there."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sync.drift.noise import rough_jitter_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["split_at_resets"]

_S = 1e-9
_NEIGHBOURS = 5
"""Pulses on either side whose medians tell a leap from a stray pulse."""
_LEAP_JITTERS = 12.0
_LEAST_LEAP_NS = 1_000_000
"""A leap that is smaller cannot be told from a burst of late pulses."""
_MOST_WANDER_PPB = 50_000.0
"""How far a crystal's skew strays from its usual one."""


def split_at_resets(
    source_ns: NDArray[np.int64],
    target_ns: NDArray[np.int64],
    *,
    max_drift_ppm: float = 500.0,
) -> list[slice]:
    """Return the stretches of matched pulses in which both clocks ran on.

    A stretch ends where either clock goes back, and where their difference changes
    for good by more than drift explains.

    Parameters
    ----------
    source_ns, target_ns
        (n,) matched pulses, in the order of their recording.
    max_drift_ppm
        How fast the clocks may drift apart.

    Returns
    -------
    list of slice
        In order; all pulses are in one.
    """
    n = len(source_ns)
    if n < 2:
        return [slice(0, n)] if n else []
    steps = (np.diff(source_ns) <= 0) | (np.diff(target_ns) <= 0)
    cuts = np.flatnonzero(steps) + 1
    found: list[slice] = []
    for first, stop in zip([0, *cuts], [*cuts, n], strict=True):
        leaps = _leaps(source_ns[first:stop], target_ns[first:stop], max_drift_ppm)
        edges = [int(first), *(int(first + k) for k in leaps), int(stop)]
        found += [slice(a, b) for a, b in pairwise(edges)]
    return found


def _leaps(
    source_ns: NDArray[np.int64], target_ns: NDArray[np.int64], max_drift_ppm: float
) -> list[int]:
    """Return the pulses before which the difference of the clocks leaps for good."""
    n = len(source_ns)
    if n < 4:
        return []
    offset = (target_ns - source_ns) - (target_ns[0] - source_ns[0])
    source_s = (source_ns - source_ns[0]) * _S
    skews = np.diff(offset) / np.diff(source_s)
    skew_ppb = min(max(_median(skews), -1e3 * max_drift_ppm), 1e3 * max_drift_ppm)
    offset_ns = offset - skew_ppb * source_s
    leap_ns = max(_LEAST_LEAP_NS, _LEAP_JITTERS * rough_jitter_ns(source_s, offset_ns))
    drift_ns = _MOST_WANDER_PPB * np.diff(source_s)
    suspects = np.flatnonzero(np.abs(np.diff(offset_ns)) > leap_ns + drift_ns) + 1
    found: list[int] = []
    for k in suspects.tolist():
        before = slice(max(found[-1] if found else 0, k - _NEIGHBOURS), k)
        after = slice(k, min(n, k + _NEIGHBOURS))
        if min(k - before.start, after.stop - k) < 2:
            continue
        apart_s = _median(source_s[after]) - _median(source_s[before])
        change = _median(offset_ns[after]) - _median(offset_ns[before])
        if abs(change) > leap_ns + _MOST_WANDER_PPB * apart_s:
            found.append(k)
    return found


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))
