"""What an attempt at one run of the source against one of the target comes to."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from sync.matching.curve import Pairing, mutual, smooth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sync.matching.result import Candidate

__all__ = ["LEAST_PAIRS", "Attempt", "credible", "drift_of", "trimmed"]

LEAST_PAIRS = 12
"""Fewer pairs than this decide nothing."""
_LOG_CHANCE = -30.0
_LEAST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Attempt:
    """The best alignment of two runs, weighed against the others."""

    source: NDArray[np.int64]
    """Positions in the source's run, per pair."""
    target: NDArray[np.int64]
    residual_ns: float
    unique: bool
    why: str
    """What decided it, as the end of a sentence."""
    candidates: tuple[Candidate, ...]
    z: float
    ratio: float


def credible(
    pairing: Pairing, source: NDArray[np.float64], target: NDArray[np.float64]
) -> bool:
    """Say whether so many pairs are more than chance would make of the stretch."""
    count = pairing.source.size
    if count < 6:
        return False
    ones = int(pairing.source[-1] - pairing.source[0]) + 1
    others = int(pairing.target[-1] - pairing.target[0]) + 1
    span = float(source[pairing.source[-1]] - source[pairing.source[0]])
    expected = ones * others * 2.0 * pairing.gate_ns / max(span, 1.0)
    if count < _LEAST_SHARE * min(ones, others) or count <= expected:
        return False
    chance = count * log(expected / count) + count - expected
    return chance < _LOG_CHANCE


def drift_of(
    pairing: Pairing, source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the relative drift of the pairs, and its standard error."""
    x = source[pairing.source]
    y = target[pairing.target] - x
    x = x - x.mean()
    spread = float(np.dot(x, x))
    if spread <= 0.0:
        return np.inf, 0.0
    slope = float(np.dot(x, y - y.mean())) / spread
    return slope, pairing.sd_ns / spread**0.5


def trimmed(
    pairing: Pairing, source: NDArray[np.float64], target: NDArray[np.float64]
) -> Pairing | None:
    """Return the one stretch in which pairs are the rule; strays beyond it go."""
    for _ in range(2):
        first, last = _stretch(pairing, source, target)
        i, j = pairing.source[first:last], pairing.target[first:last]
        if i.size < 6:
            return None
        curve = smooth(source[i], target[j] - source[i])
        i, j, residual = mutual(curve(source), target, pairing.gate_ns)
        if i.size < 6:
            return None
        pairing = Pairing(i, j, residual, curve, pairing.gate_ns)
    first, last = _stretch(pairing, source, target)
    part = slice(first, last)
    return Pairing(
        pairing.source[part],
        pairing.target[part],
        pairing.residual_ns[part],
        pairing.curve,
        pairing.gate_ns,
    )


def _stretch(
    pairing: Pairing, source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[int, int]:
    """Return the bounds of the likeliest run of pairs.

    Each pair speaks for it by how much rarer chance would make one, and each lone
    pulse against it by how much commoner these are elsewhere.
    Lone pulses are counted on the side that has fewer of them to count, so that a
    short piece of a long train is not held against the long one's other pulses.
    """
    gaps_source = np.diff(pairing.source) - 1
    gaps_target = np.diff(pairing.target) - 1
    lone = np.minimum(gaps_source, gaps_target)
    share = pairing.source.size / (pairing.source.size + int(lone.sum()))
    usual = float(np.median(np.diff(target)))
    chance = min(max(2.0 * pairing.gate_ns / max(usual, 1.0), 1e-4), share / 3.0)
    against = log((1.0 - chance) / max(1.0 - share, 1e-3))
    cost = min(against / log(share / chance), 0.5)
    gain = np.concatenate([[0.0], np.cumsum(1.0 - cost * lone)])
    least = np.minimum.accumulate(gain)
    last = int(np.argmax(gain - least))
    first = int(np.argmin(gain[: last + 1]))
    return first, last + 1
