"""The jitter of pulses: how large it is, and how heavy its tails.

Jitter is taken as Student's t: its scale says how exact a pulse is, its degrees of
freedom how often one is far off (a late interrupt, a pulse matched to the wrong one).
Gaussian jitter is its limit. Pulses are then weighted by what the distribution says
of them, instead of being kept or thrown away at a threshold.

Method: Lange, Little & Taylor (1989), J. Am. Stat. Assoc. 84, 881.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, lgamma, log, pi
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEAST_JITTER_NS", "Jitter", "fit_jitter", "rough_jitter_ns"]

LEAST_JITTER_NS = 1.0
"""Stamps are whole nanoseconds: nothing is known better."""
_TAILS = (inf, 30.0, 15.0, 10.0, 7.0, 5.0, 4.0, 3.0, 2.5, 2.0)
_ROUNDS = 12
_SAMPLES = 20_000
_MAD = 1.4826
"""Standard deviation of a Gaussian by its median absolute deviation."""
_BETTER = 2.0
"""Of log likelihood that heavier tails must gain, to be believed."""


@dataclass(frozen=True, slots=True)
class Jitter:
    """Distribution of a pulse's error around the clocks' true relation."""

    scale_ns: float
    tail: float
    """Degrees of freedom of Student's t; infinite for a Gaussian."""

    @property
    def information_variance(self) -> float:
        """Variance that a Gaussian pulse of the same worth would have, ns²."""
        if self.tail == inf:
            return self.scale_ns**2
        return self.scale_ns**2 * (self.tail + 3) / (self.tail + 1)

    @property
    def weighted_variance(self) -> float:
        """Variance of a weighted pulse around the result, ns².

        Less than it is worth, because its weight has looked at the result.
        """
        if self.tail == inf:
            return self.scale_ns**2
        return self.scale_ns**2 * (self.tail + 1) / (self.tail + 3)

    def weights(self, residual_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each pulse counts, about 1 for one that is well in place."""
        if self.tail == inf:
            return np.ones_like(residual_ns)
        square = (residual_ns / self.scale_ns) ** 2
        return (self.tail + 1) / (self.tail + square)


def rough_jitter_ns(
    source_s: NDArray[np.float64], offset_ns: NDArray[np.float64]
) -> float:
    """Return the jitter by each pulse's distance from the line between its neighbours.

    Drift has next to no part in it, and a few wrong pulses none.
    """
    if len(source_s) < 3:
        return LEAST_JITTER_NS
    before, gap = np.diff(source_s)[:-1], source_s[2:] - source_s[:-2]
    share = np.divide(before, gap, out=np.full_like(gap, 0.5), where=gap > 0)
    between = offset_ns[:-2] * (1 - share) + offset_ns[2:] * share
    distance = (offset_ns[1:-1] - between) / np.sqrt(1 + share**2 + (1 - share) ** 2)
    return max(_MAD * float(np.median(np.abs(distance))), LEAST_JITTER_NS)


def fit_jitter(residual_ns: NDArray[np.float64]) -> Jitter:
    """Return the jitter whose residuals these are, by maximum likelihood.

    Parameters
    ----------
    residual_ns
        (n,) each scaled to what it would be around the true relation.
    """
    step = max(1, len(residual_ns) // _SAMPLES)
    some = residual_ns[::step]
    best, best_score = Jitter(LEAST_JITTER_NS, inf), -inf
    scale = max(float(np.sqrt(np.mean(some**2))), LEAST_JITTER_NS)
    for tail in _TAILS:
        if tail != inf:
            scale = _scale(some, tail, scale)
        score = _log_likelihood(some, scale, tail)
        if score > best_score + (_BETTER if best_score > -inf else 0.0):
            best, best_score = Jitter(scale, tail), score
    return best


def _scale(residual: NDArray[np.float64], tail: float, start: float) -> float:
    """Return the scale of greatest likelihood for given tails."""
    square, squares = start**2, residual**2
    for _ in range(_ROUNDS):
        weights = (tail + 1) / (tail + squares / square)
        square = max(float(np.mean(weights * squares)), LEAST_JITTER_NS**2)
    return square**0.5


def _log_likelihood(
    residual: NDArray[np.float64], scale_ns: float, tail: float
) -> float:
    square = (residual / scale_ns) ** 2
    n = len(residual)
    if tail == inf:
        return float(-0.5 * np.sum(square)) - n * (log(scale_ns) + 0.5 * log(2 * pi))
    constant = lgamma((tail + 1) / 2) - lgamma(tail / 2) - 0.5 * log(tail * pi)
    bent = float(np.sum(np.log1p(square / tail)))
    return n * (constant - log(scale_ns)) - 0.5 * (tail + 1) * bent
