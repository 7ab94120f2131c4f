"""Random integers that any moment can be computed from, here and on a board.

SplitMix in 32 bits; ``rig/devices/firmware/springhare_daq/random.h`` computes the same
bit for bit, and a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["integers_below", "random_words"]

_MASK = 0xFFFFFFFF
_GOLDEN, _LOW = np.uint64(0x9E3779B9), np.uint64(_MASK)
_MIX_1, _MIX_2 = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)
_13, _16, _32 = np.uint64(13), np.uint64(16), np.uint64(32)


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
    first = np.array([seed & _MASK, (lane + 1) & _MASK], np.uint64)
    start = _mix(first[:1] + first[1:] * _GOLDEN)
    return _mix(start + (numbers + np.uint64(1)) * _GOLDEN).astype(np.uint32)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finish MurmurHash3 in 32 bits: every bit of the input moves every bit."""
    x = x & _LOW
    x = (x ^ x >> _16) * _MIX_1 & _LOW
    x = (x ^ x >> _13) * _MIX_2 & _LOW
    return x ^ x >> _16


def integers_below(words: NDArray[np.uint32], span: int) -> NDArray[np.int64]:
    """Return integers in [0, span), uniform but for 2⁻³² of the span."""
    return (words.astype(np.uint64) * np.uint64(span) >> _32).astype(np.int64)
