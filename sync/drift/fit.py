"""Fits the clock model: the crystals, the jitter, and where the clocks were.

All three are found from the pulses alone. The wander of the crystals comes from the
likelihood of the innovations, the jitter from what is left over; each pulse is
weighted by what its own error says of it; and this is repeated until it stands.
Pulses are averaged over stretches that are short beside the time in which the clock
wanders as much as the average is unsure of, so that the time it takes grows with
their number and no faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np

from sync.drift.model import ClockModel, ClockSegment, between
from sync.drift.noise import (
    Jitter,
    fit_jitter,
    rough_jitter_ns,
)
from sync.drift.segments import split_at_resets
from sync.drift.smoother import Knots, run_filter, smooth

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Floats = NDArray[np.float64]

__all__ = ["fit_clock"]

_S = 1e-9
_ROUNDS = 3
_COARSE = 1500
"""Averages from which the wander is found."""
_FINE = 20_000
"""Averages that are smoothed in the end, at most."""
_SHARE = 0.1
"""Length of an average beside the smoother's own memory."""
_LEAST_WANDER, _MOST_WANDER = 1e-4, 1e8
"""ppb²/s: from an oven's crystal to one beside a hair dryer."""
_USUAL_WANDER, _USUAL_SPREAD = 100.0, 4.0
"""What is thought of a crystal nobody has seen wander: a ppm in two hours, within a
factor of e⁴ (one standard deviation)."""
_PRECISION = 0.15
"""Of the logarithm of the wander; the result depends on its eighth part."""
_INFLATE_ABOVE = 1.2
_SEVERAL = 10
"""Pulses whose average is nearly Gaussian."""
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class _Pulses:
    """Pulses as deviations from a line."""

    time_s: _Floats
    offset_ns: _Floats


def fit_clock(
    source_ns: NDArray[np.int64],
    target_ns: NDArray[np.int64],
    *,
    max_drift_ppm: float = 500.0,
) -> ClockModel:
    """Return the relation of two clocks, from pulses that both have seen.

    Parameters
    ----------
    source_ns, target_ns
        (n,) int64, the same pulses by either clock, in the order of their recording.
    max_drift_ppm
        How fast the clocks may drift apart; beyond it one of them has leapt.

    Returns
    -------
    ClockModel
        With a segment for each stretch of at least two pulses in which no clock was
        reset.

    Raises
    ------
    ValueError
        If the pulses are not two rows of integers of the same length, or no two of
        them lie in one stretch.

    Notes
    -----
    Two states, offset and skew, the skew a random walk; a Kalman filter and the
    smoother of Rauch, Tung and Striebel; the wander by maximum likelihood, with a weak
    prior for what crystals are like. In the interior it comes within some per cent of
    `smoothing_limit_ns`.
    """
    source, target = _checked(source_ns), _checked(target_ns)
    if source.shape != target.shape:
        msg = (
            "Expected as many source as target pulses, got "
            f"{len(source)} and {len(target)}: match them first (sync.matching)"
        )
        raise ValueError(msg)
    parts = split_at_resets(source, target, max_drift_ppm=max_drift_ppm)
    segments = [_fit(source[p], target[p]) for p in parts if p.stop - p.start >= 2]
    if not segments:
        msg = f"Expected two pulses that belong together or more, got {len(source)}"
        raise ValueError(msg)
    return ClockModel(tuple(segments))


def _checked(values: NDArray[np.int64]) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        msg = (
            "Expected a row of integers (nanoseconds), got "
            f"{array.dtype} of shape {array.shape}"
        )
        raise ValueError(msg)
    return array.astype(np.int64)


def _fit(source: NDArray[np.int64], target: NDArray[np.int64]) -> ClockSegment:
    origin, base = int(source[0]), int(target[0] - source[0])
    time_s = (source - origin) * _S
    offset_ns = (target - source - base).astype(np.float64)
    line = _robust_slope(time_s, offset_ns)
    pulses = _Pulses(time_s, offset_ns - line * time_s)
    jitter = Jitter(rough_jitter_ns(*_both(pulses)), float("inf"))
    weights = np.ones_like(time_s)
    wander = _USUAL_WANDER
    for _ in range(_ROUNDS):
        wander = _wander(pulses, weights, jitter)
        knots = _smoothed(pulses, weights, jitter, wander)
        residual = _residuals(pulses, knots, weights, jitter)
        jitter = fit_jitter(residual)
        weights = jitter.weights(residual)
    knots = _smoothed(pulses, weights, jitter, wander)
    nis = _nis(pulses, weights, jitter, wander)
    return ClockSegment(
        first_source_ns=origin,
        last_source_ns=int(source[-1]),
        pulses=len(source),
        jitter=jitter,
        nis=nis,
        wander_ppb=wander**0.5,
        origin_ns=origin,
        offset_ns=base,
        line_ppb=line,
        knots=knots,
        inflation=nis**0.5 if nis > _INFLATE_ABOVE else 1.0,
    )


def _both(pulses: _Pulses) -> tuple[_Floats, _Floats]:
    return pulses.time_s, pulses.offset_ns


def _robust_slope(time_s: _Floats, offset_ns: _Floats) -> float:
    """Return the slope of a line, by the medians of the first and the last third."""
    third = max(1, len(time_s) // 3)
    rise = np.median(offset_ns[-third:]) - np.median(offset_ns[:third])
    run = np.median(time_s[-third:]) - np.median(time_s[:third])
    return float(rise / run) if run > 0 else 0.0


def _averages(
    pulses: _Pulses, weights: _Floats, jitter: Jitter, width_s: float
) -> tuple[_Floats, _Floats, _Floats]:
    """Return times, offsets and variances of the pulses' averages over stretches."""
    where = ((pulses.time_s - pulses.time_s[0]) / width_s).astype(np.int64)
    where = np.cumsum(np.diff(where, prepend=where[0]) > 0)
    total = np.bincount(where, weights)
    time_s = np.bincount(where, weights * pulses.time_s) / total
    offset_ns = np.bincount(where, weights * pulses.offset_ns) / total
    return time_s, offset_ns, jitter.information_variance / total


def _wander(pulses: _Pulses, weights: _Floats, jitter: Jitter) -> float:
    span = float(pulses.time_s[-1] - pulses.time_s[0])
    averages = _averages(pulses, weights, jitter, max(span / _COARSE, 1e-9))
    rows = [values.tolist() for values in averages]

    def score(log_wander: float) -> float:
        prior = (log_wander - log(_USUAL_WANDER)) / _USUAL_SPREAD
        filtered = run_filter(rows[0], rows[1], rows[2], exp(log_wander))
        return filtered.log_likelihood - 0.5 * prior**2

    return exp(_highest(score, log(_LEAST_WANDER), log(_MOST_WANDER)))


def _highest(score: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one hill is highest (golden section)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = score(left), score(right)
    while high - low > _PRECISION:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = score(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = score(right)
    return (low + high) / 2


def _smoothed(
    pulses: _Pulses, weights: _Floats, jitter: Jitter, wander: float
) -> Knots:
    span = float(pulses.time_s[-1] - pulses.time_s[0])
    width_s = max(span / _FINE, _SHARE * _memory_s(pulses, jitter, wander), 1e-9)
    averages = _averages(pulses, weights, jitter, width_s)
    time_s, offset_ns, variance = (values.tolist() for values in averages)
    return smooth(time_s, run_filter(time_s, offset_ns, variance, wander), wander)


def _memory_s(pulses: _Pulses, jitter: Jitter, wander: float) -> float:
    """Return how long the smoother looks to either side, about."""
    span = float(pulses.time_s[-1] - pulses.time_s[0])
    per_second = jitter.information_variance * span / max(len(pulses.time_s) - 1, 1)
    return (per_second / wander) ** 0.25


def _nis(pulses: _Pulses, weights: _Floats, jitter: Jitter, wander: float) -> float:
    """Return the mean of the squared innovations over what was expected.

    Of averages of some pulses: what the weights do to a single pulse of heavy tails
    is no Gaussian's error, what they do to several is.
    """
    span = float(pulses.time_s[-1] - pulses.time_s[0])
    several_s = _SEVERAL * span / max(len(weights) - 1, 1)
    memory_s = _memory_s(pulses, jitter, wander)
    width_s = max(span / _FINE, min(several_s, memory_s), _SHARE * memory_s, 1e-9)
    time_s, offset_ns, _ = _averages(pulses, weights, jitter, width_s)
    worth = _averages(pulses, np.ones_like(weights), jitter, width_s)[2]
    variance = worth * (jitter.weighted_variance / jitter.information_variance)
    return run_filter(
        time_s.tolist(), offset_ns.tolist(), variance.tolist(), wander
    ).nis


def _residuals(
    pulses: _Pulses, knots: Knots, weights: _Floats, jitter: Jitter
) -> _Floats:
    """Return the pulses' errors, scaled to what they are around the true relation."""
    fitted, variance = between(knots, pulses.time_s)
    share = np.clip(variance * weights / jitter.information_variance, 0.0, 0.9)
    return (pulses.offset_ns - fitted) / np.sqrt(1.0 - share)
