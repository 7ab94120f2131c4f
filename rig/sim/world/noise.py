"""Noise without a state: sample k of a channel is a pure function of (seed, k).

A generator with a state would tie a sample to all before it. Here every process
that knows the seed makes the same sample k, whatever it made before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["gaussian", "uniform", "word"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finish SplitMix64: every bit of the input moves every bit of the output."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def word(seed: int, channel: ArrayLike, index: ArrayLike) -> NDArray[np.uint64]:
    """Return 64 random bits for each (channel, index); the two are broadcast."""
    base = np.asarray([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
    lane = np.atleast_1d(np.asarray(channel, dtype=np.int64)).astype(np.uint64)
    number = np.atleast_1d(np.asarray(index, dtype=np.int64)).astype(np.uint64)
    key = _mix(_mix(base + _GOLDEN) + (lane + np.uint64(1)) * _GOLDEN)
    return _mix(key + (number + np.uint64(1)) * _GOLDEN)


def uniform(seed: int, channel: ArrayLike, index: ArrayLike) -> NDArray[np.float64]:
    """Return uniform numbers in (0, 1)."""
    bits = word(seed, channel, index) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * 2.0**-53


def gaussian(seed: int, channel: ArrayLike, index: ArrayLike) -> NDArray[np.float64]:
    """Return standard normal numbers (Box and Muller, from one word each)."""
    bits = word(seed, channel, index)
    high = ((bits >> np.uint64(32)).astype(np.float64) + 0.5) * 2.0**-32
    low = (bits & np.uint64(0xFFFFFFFF)).astype(np.float64) * 2.0**-32
    radius = np.sqrt(-2.0 * np.log(high))
    radius *= np.cos(2.0 * np.pi * low)
    return radius
